/**
 * The routes of stored media.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { parsePart } from '../dialects/admin/admin-route.ts';
import { assetImportSchema, showAsset } from '../dialects/admin/asset-shapes.ts';
import { parseJsonObject } from '../dialects/json-body.ts';
import { ensureCustomer } from '../gateway/auto-create.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { idempotencyKeyOf } from '../gateway/idempotency-key.ts';
import { answerOnce } from '../gateway/idempotent.ts';
import { assertJsonBody } from '../gateway/request-headers.ts';
import { isIdentity } from '../http/body-decoder.ts';
import type { KeptReply } from '../gateway/reply-seal.ts';
import type { AssetRecord } from '../media/asset-port.ts';
import { claimedType } from '../media/media-inputs.ts';
import { MEDIA_KINDS } from '../media/media-type.ts';
import { bodyChunks, receiveForm } from '../media/receive-form.ts';
import type { MediaFile } from '../media/staging.ts';
import type { Route } from './routes.ts';
import { callerOf, jsonReply, sendJson } from './self-service.ts';
import type { NodeExchange } from './node-exchange.ts';
import { queryOf } from './query-of.ts';
import { sendAsset } from './send-asset.ts';

/** What forms have around a file. */
const FORM_OVERHEAD_BYTES = 64 * 1024;
const PART = 'file';
interface Upload {
  readonly file: MediaFile;
  readonly name: string | null;
}

async function receiveUpload(gateway: Gateway, exchange: NodeExchange): Promise<Upload> {
  const { maxBytes } = gateway.assets;
  const type = exchange.header('content-type');
  if (!isIdentity(exchange.header('content-encoding') ?? '')) {
    throw new GatewayError('unsupported_media_type', {
      message: 'The body must not be compressed: send it without content-encoding.',
      param: 'content-encoding',
    });
  }
  if (type === null || !/^multipart\/form-data\b/i.test(type)) {
    const body = exchange.beginBody(maxBytes);
    const reception = { maxBytes, param: 'body', claimedType: claimedType(type) };
    const file = await gateway.assets.receive(bodyChunks(body), reception);
    return { file, name: queryOf(exchange).get('name') };
  }
  let upload: Upload | null = null;
  try {
    const fields = await receiveForm(exchange.beginBody(maxBytes + FORM_OVERHEAD_BYTES), type, {
      maxFiles: 1,
      maxFields: 0,
      maxFieldBytes: 1,
      async onFile({ part, fileName, contentType, bytes }) {
        if (part !== PART) {
          throw new GatewayError('invalid_request', {
            message: `${part.slice(0, 100)}: unknown part; the file must be called "${PART}".`,
            param: part.slice(0, 100),
          });
        }
        const reception = { maxBytes, param: PART, claimedType: claimedType(contentType) };
        upload = { file: await gateway.assets.receive(bytes, reception), name: fileName };
      },
    });
    if (upload === null || fields.length > 0) {
      throw new GatewayError('invalid_request', {
        message: `The form must have one file, called "${PART}".`,
        param: PART,
      });
    }
    return upload;
  } catch (error) {
    await (upload as Upload | null)?.file.release();
    throw error;
  }
}

/** Keeps a received file and answers what has become of it. */
async function keepUpload(
  gateway: Gateway,
  exchange: NodeExchange,
  { customerId, file, name }: Upload & { readonly customerId: string },
): Promise<KeptReply> {
  const owner = { customerId, requestId: exchange.requestId, name };
  const asset = await gateway.assets.keep(file, owner);
  const url = gateway.assets.urlOf(asset, exchange.header('host'));
  return { ...jsonReply(gateway, exchange, { ...showAsset(asset), url }), status: 201 };
}

/** A body whose bytes are the media. They are on disk before the key is looked at: their digest stands for them. */
async function serveUpload(
  gateway: Gateway,
  exchange: NodeExchange,
  customerId: string,
): Promise<void> {
  // One that is none is refused before anything is received.
  idempotencyKeyOf(exchange);
  const { file, name } = await receiveUpload(gateway, exchange);
  try {
    const run = () => keepUpload(gateway, exchange, { customerId, file, name });
    const body = Buffer.from(JSON.stringify([file.hash, name]));
    await answerOnce(gateway, exchange, { ownerId: customerId, body, run });
  } finally {
    await file.release();
  }
}

/** A body that names the media: a URL to fetch, a data URL, or an asset to have a second time. */
async function serveImport(
  gateway: Gateway,
  exchange: NodeExchange,
  customerId: string,
): Promise<void> {
  assertJsonBody(exchange);
  const body = await exchange.readBody(gateway.settings.maxBodyBytes);
  const members = parseJsonObject(body, gateway.settings.maxJsonDepth);
  const wish = parsePart(assetImportSchema, members, 'member');
  const run = async (): Promise<KeptReply> => {
    const rules = { customerId, param: 'url', kinds: MEDIA_KINDS };
    const file = await gateway.inputs.resolve({ type: 'text', text: wish.url }, rules);
    return keepUpload(gateway, exchange, { customerId, file, name: wish.name ?? null });
  };
  await answerOnce(gateway, exchange, { ownerId: customerId, body, run });
}

async function serveCreate(gateway: Gateway, exchange: NodeExchange): Promise<void> {
  if (gateway.settings.autoCreatePlanId !== null) await ensureCustomer(gateway, exchange);
  const { customer } = callerOf(gateway, exchange);
  const isJson = /^application\/(?:[\w.-]+\+)?json\b/i.test(exchange.header('content-type') ?? '');
  await (isJson ? serveImport : serveUpload)(gateway, exchange, customer.id);
}

function unknownAsset(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no asset "${id.slice(0, 100)}".` });
}

async function ownAsset(
  gateway: Gateway,
  exchange: NodeExchange,
  id: string,
): Promise<AssetRecord> {
  const { customer } = callerOf(gateway, exchange);
  const asset = await gateway.assets.find(id, customer.id);
  if (asset === null) throw unknownAsset(id);
  return asset;
}

/** A signature stands for a key; one that is wrong or over is not told apart. */
async function readableAsset(
  gateway: Gateway,
  exchange: NodeExchange,
  id: string,
): Promise<AssetRecord> {
  const query = queryOf(exchange);
  const signature = query.get('signature');
  if (signature === null) return ownAsset(gateway, exchange, id);
  const expires = query.get('expires') ?? '';
  if (!gateway.assets.isSigned(id, { expires, signature })) {
    throw new GatewayError('forbidden', { message: 'This URL is not valid.' });
  }
  const asset = await gateway.assets.find(id, null);
  if (asset === null) throw unknownAsset(id);
  return asset;
}

async function serveDelete(gateway: Gateway, exchange: NodeExchange, id: string): Promise<void> {
  const asset = await ownAsset(gateway, exchange, id);
  if (!(await gateway.assets.remove(asset.id))) throw unknownAsset(id);
  sendJson(gateway, exchange, { id: asset.id, object: 'asset', deleted: true });
}

/** Every route of stored media. */
export function assetRoutes(gateway: Gateway): readonly Route[] {
  const read = async (exchange: NodeExchange, id: string): Promise<void> =>
    sendAsset(gateway, exchange, await readableAsset(gateway, exchange, id));
  const path = '/v1/assets/';
  return [
    {
      method: 'POST',
      path: '/v1/assets',
      isWork: true,
      handle: (exchange) => serveCreate(gateway, exchange),
    },
    { method: 'GET', path, isWork: false, handle: read },
    { method: 'HEAD', path, isWork: false, handle: read },
    {
      method: 'DELETE',
      path,
      isWork: false,
      handle: (exchange, id) => serveDelete(gateway, exchange, id),
    },
  ];
}
