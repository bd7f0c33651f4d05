/**
 * Brings what a provider has made into the asset store, as it comes: whole files are never in memory.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { JobProtocol, MediaOutput } from '../../contracts/job-provider.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import { streamReply, type StreamedReply } from '../../http/streamed-reply.ts';
import { MEDIA_KINDS } from '../../media/media-type.ts';
import type { MediaFile } from '../../media/staging.ts';
import type { JobOutput, JobRecord } from '../../metering/job-port.ts';
import { checkedOutput } from './checked-output.ts';
import type { FollowedProvider, JobContext } from './job-context.ts';

const PARAM = 'result';
const REDIRECTS_MAX = 3;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function unfetchable(reason: string): GatewayError {
  return new GatewayError('provider_error', { message: `The result ${reason}` });
}

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** The path of an address at the provider's own origin, after its base URL; null for any other address. */
function ownPath(url: string, baseUrl: string): string | null {
  const base = new URL(baseUrl);
  const there = new URL(url);
  const prefix = base.pathname.replace(/\/+$/, '');
  if (there.origin !== base.origin || !there.pathname.startsWith(`${prefix}/`)) return null;
  return there.pathname.slice(prefix.length) + there.search;
}

function plainGet(path: string): WireRequest {
  const headers = { accept: '*/*', 'accept-encoding': 'identity' };
  return { method: 'GET', path, headers, body: null };
}

function requestFor(
  protocol: JobProtocol,
  output: MediaOutput,
  at: { readonly url: string; readonly path: string; readonly followed: FollowedProvider },
): WireRequest {
  if (!output.needsCredential || protocol.fetch === undefined) return plainGet(at.path);
  return protocol.fetch(at.url, at.followed.target);
}

/** @throws GatewayError `provider_error` for what is no file */
function assertFile({ status, headers }: StreamedReply): void {
  if (status < 200 || status > 299) throw unfetchable(`could not be fetched: status ${status}.`);
  const type = headers['content-type'] ?? '';
  if (/^\s*(?:text\/|application\/(?:json|xhtml|xml))/i.test(type)) {
    throw unfetchable('is a page, not a file.');
  }
}

/** A file behind an address: at the provider's own origin as the operator has set it, elsewhere through the guard. */
async function download(
  context: JobContext,
  job: JobRecord,
  fetched: {
    readonly output: MediaOutput;
    readonly url: string;
    readonly followed: FollowedProvider;
  },
): Promise<MediaFile> {
  const { gateway, interrupts } = context;
  const { output, followed } = fetched;
  let { url } = fetched;
  const rules = { customerId: job.customerId, param: PARAM, kinds: MEDIA_KINDS };
  for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
    const path = ownPath(url, followed.target.baseUrl);
    // A data URL, or an address that is not the operator's.
    if (path === null) return await gateway.inputs.resolve({ type: 'text', text: url }, rules);
    const request =
      hop === 0 ? requestFor(followed.protocol, output, { url, path, followed }) : plainGet(path);
    let slot: number | null = null;
    const reply = await streamReply(gateway, followed.target.baseUrl, {
      request,
      timeoutMs: gateway.settings.jobs.fetchTimeoutMs,
      onOpen: (close) => {
        slot = interrupts.add(close);
      },
    });
    try {
      const { location } = reply.headers;
      if (!REDIRECTS.has(reply.status)) {
        assertFile(reply);
        const { maxBytes } = gateway.assets;
        const reception = { maxBytes, param: PARAM, kinds: MEDIA_KINDS, claimedType: null };
        return await gateway.assets.receive(reply.body, reception);
      }
      if (location === undefined || !URL.canParse(location, url)) {
        throw unfetchable('is a redirect to nowhere.');
      }
      url = new URL(location, url).href;
    } finally {
      reply.close();
      if (slot !== null) interrupts.take(slot);
    }
  }
  throw unfetchable(`redirects more than ${REDIRECTS_MAX} times.`);
}

async function fileOf(
  context: JobContext,
  job: JobRecord,
  at: { readonly output: MediaOutput; readonly followed: FollowedProvider },
): Promise<MediaFile> {
  const { output, followed } = at;
  const { assets } = context.gateway;
  if (output.bytes !== null) {
    const { maxBytes } = assets;
    const reception = { maxBytes, param: PARAM, kinds: MEDIA_KINDS, claimedType: null };
    return await assets.receive(one(output.bytes), reception);
  }
  if (output.url === null || !URL.canParse(output.url)) throw unfetchable('has no address.');
  return await download(context, job, { output, url: output.url, followed });
}

/**
 * Stores every output as an asset of the job's customer. `collected` grows with each, so that a further try goes on where this
 * one fails.
 *
 * @throws GatewayError, TransportFailure where one of them cannot be had; `content_filtered` where a moderation refuses one
 */
export async function collectOutputs(
  context: JobContext,
  job: JobRecord,
  what: {
    readonly outputs: readonly MediaOutput[];
    readonly followed: FollowedProvider;
    readonly collected: JobOutput[];
  },
): Promise<void> {
  const { assets } = context.gateway;
  const { outputs, followed, collected } = what;
  for (const output of outputs.slice(collected.length)) {
    const fetched = await fileOf(context, job, { output, followed });
    const file = await checkedOutput(context.gateway, fetched);
    const owner = { customerId: job.customerId, requestId: job.requestId, name: null };
    const { id, type, bytes } = await assets.keep(file, owner);
    collected.push({ assetId: id, type, bytes });
  }
}
