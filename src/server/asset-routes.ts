/**
 * The routes of stored media.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { showAsset } from '../dialects/admin/asset-shapes.ts';
import { ensureCustomer } from '../gateway/auto-create.ts';
import { authenticate, type Caller } from '../gateway/caller.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { idempotencyKeyOf } from '../gateway/idempotency-key.ts';
import { answerOnce } from '../gateway/idempotent.ts';
import type { KeptReply } from '../gateway/reply-seal.ts';
import type { AssetRecord } from '../media/asset-port.ts';
import { bodyChunks, receiveForm } from '../media/receive-form.ts';
import type { MediaFile } from '../media/staging.ts';
import type { Route } from './routes.ts';
import { jsonReply, sendJson } from './self-service.ts';
import { sendAsset } from './send-asset.ts';

/** What forms have around a file. */
const FORM_OVERHEAD_BYTES = 64 * 1024;
const PART = 'file';
/** Types that clients send for bytes they know nothing of. */
const NO_CLAIM = /^(?:application\/(?:octet-stream|x-www-form-urlencoded)|binary\/octet-stream)\b/i;

interface Upload {
  readonly file: MediaFile;
  readonly name: string | null;
}

function callerOf(gateway: Gateway, exchange: Exchange): Caller {
  return authenticate(gateway.directory, exchange, {
    nowMs: exchange.startedAtMs,
    operation: null,
    address: exchange.request.socket.remoteAddress ?? '',
  });
}

function queryOf(exchange: Exchange): URLSearchParams {
  const { url = '' } = exchange.request;
  const at = url.indexOf('?');
  return new URLSearchParams(at < 0 ? '' : url.slice(at + 1));
}

function claimOf(contentType: string | null): string | null {
  return contentType === null || NO_CLAIM.test(contentType) ? null : contentType;
}

async function receiveUpload(gateway: Gateway, exchange: Exchange): Promise<Upload> {
  const { maxBytes } = gateway.assets;
  const type = exchange.header('content-type');
  if (exchange.header('content-encoding') !== null) {
    throw new GatewayError('unsupported_media_type', {
      message: 'The body must not be compressed: send it without content-encoding.',
      param: 'content-encoding',
    });
  }
  if (type === null || !/^multipart\/form-data\b/i.test(type)) {
    const body = exchange.beginBody(maxBytes);
    const reception = { maxBytes, param: 'body', claimedType: claimOf(type) };
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
        const reception = { maxBytes, param: PART, claimedType: claimOf(contentType) };
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

async function serveUpload(gateway: Gateway, exchange: Exchange): Promise<void> {
  if (gateway.settings.autoCreatePlanId !== null) await ensureCustomer(gateway, exchange);
  const { customer } = callerOf(gateway, exchange);
  const key = idempotencyKeyOf(exchange);
  const { file, name } = await receiveUpload(gateway, exchange);
  try {
    const run = async (): Promise<KeptReply> => {
      const owner = { customerId: customer.id, requestId: exchange.requestId, name };
      const asset = await gateway.assets.keep(file, owner);
      const url = gateway.assets.urlOf(asset, exchange.header('host'));
      return { ...jsonReply(gateway, exchange, { ...showAsset(asset), url }), status: 201 };
    };
    if (key === null) {
      const { status, headers, body } = await run();
      exchange.send(status, [...headers], body);
      return;
    }
    // The bytes are on disk by now: their digest stands for them.
    const body = Buffer.from(JSON.stringify([file.hash, name]));
    await answerOnce(gateway, exchange, { key, customerId: customer.id, body, run });
  } finally {
    await file.release();
  }
}

function unknownAsset(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no asset "${id.slice(0, 100)}".` });
}

async function ownAsset(gateway: Gateway, exchange: Exchange, id: string): Promise<AssetRecord> {
  const { customer } = callerOf(gateway, exchange);
  const asset = await gateway.assets.find(id, customer.id);
  if (asset === null) throw unknownAsset(id);
  return asset;
}

/** A signature stands for a key; one that is wrong or over is not told apart. */
async function readableAsset(
  gateway: Gateway,
  exchange: Exchange,
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

async function serveDelete(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const asset = await ownAsset(gateway, exchange, id);
  if (!(await gateway.assets.remove(asset.id))) throw unknownAsset(id);
  sendJson(gateway, exchange, { id: asset.id, object: 'asset', deleted: true });
}

/** Every route of stored media. */
export function assetRoutes(gateway: Gateway): readonly Route[] {
  const read = async (exchange: Exchange, id: string): Promise<void> =>
    sendAsset(gateway, exchange, await readableAsset(gateway, exchange, id));
  const path = '/v1/assets/';
  return [
    {
      method: 'POST',
      path: '/v1/assets',
      isWork: true,
      handle: (exchange) => serveUpload(gateway, exchange),
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
