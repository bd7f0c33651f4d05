/**
 * Fetches media from URLs that somebody else chose: public addresses only, few redirects each of which is checked like
 * the first URL, no ambient authority, and an end to everything.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import { EgressClient, type EgressStream } from '../http/egress-client.ts';
import type { EgressPolicy } from '../http/egress-guard.ts';

export interface MediaFetcherOptions {
  readonly policy: EgressPolicy;
  readonly userAgent: string;
  readonly connectTimeoutMs: number;
  /** Of a whole download, redirects included. */
  readonly timeoutMs: number;
  /** Longest silence. */
  readonly idleMs: number;
}

/** Storage services send their readers on once or twice. */
const REDIRECTS_MAX = 3;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);

/** One text: refused, unresolvable and unreachable must not be told apart, or callers could map a private network. */
const UNREACHABLE =
  'must be an https URL whose host can be reached on the public internet (the operator may allow private hosts in assets.allowPrivateHosts).';

function refusal(param: string, reason: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_request', {
    message: `${param}: ${reason}`,
    param,
    ...(cause === undefined ? {} : { cause }),
  });
}

export interface FetchWish {
  readonly url: string;
  readonly maxBytes: number;
  /** Names the URL in errors. */
  readonly param: string;
}

/** What an answer says of itself that rules it out before its body is read; null: nothing. */
function faultOf({ status, headers }: EgressStream, { maxBytes, param }: FetchWish) {
  if (status !== 200) return refusal(param, `its URL answered ${status}.`);
  const coding = headers['content-encoding'] ?? 'identity';
  if (coding !== 'identity') return refusal(param, 'its URL answered with a compressed body.');
  const type = headers['content-type'] ?? '';
  if (/^\s*(?:text\/|application\/(?:json|xhtml|xml))/i.test(type)) {
    const said = type.slice(0, 100).replace(/[^\x20-\x7e]/g, '?');
    return refusal(param, `its URL answered with ${said}, which is no media.`);
  }
  if (Number(headers['content-length'] ?? 0) > maxBytes) {
    return new GatewayError('payload_too_large', {
      message: `${param}: its URL has more than the ${maxBytes} bytes that are taken.`,
      param,
    });
  }
  return null;
}

export class MediaFetcher {
  readonly #options: MediaFetcherOptions;
  readonly #client: EgressClient;

  constructor(options: MediaFetcherOptions) {
    this.#options = options;
    this.#client = new EgressClient(options);
  }

  /**
   * The bytes behind a URL, as they come.
   *
   * @throws GatewayError `invalid_request` for what cannot be fetched, `payload_too_large` where more is announced than
   *   is taken; who reads counts what really comes
   */
  async *download(wish: FetchWish): AsyncGenerator<Uint8Array> {
    const answer = await this.#follow(wish);
    try {
      const fault = faultOf(answer, wish);
      if (fault !== null) throw fault;
      yield* this.#bytes(answer, wish.param);
    } finally {
      answer.close();
    }
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  async *#bytes(answer: EgressStream, param: string): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of answer.body) yield chunk;
    } catch (error) {
      throw refusal(param, 'its URL did not deliver all it has in time.', error);
    }
  }

  /** The first answer that is no redirect. */
  async #follow({ url, param }: FetchWish): Promise<EgressStream> {
    const untilMs = performance.now() + this.#options.timeoutMs;
    let next = url;
    for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
      const answer = await this.#open(next, { param, untilMs });
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status)) return answer;
      answer.close();
      if (location === undefined || !URL.canParse(location, next)) {
        throw refusal(param, 'its URL answered with a redirect to nowhere.');
      }
      next = new URL(location, next).href;
    }
    throw refusal(param, `its URL redirects more than ${REDIRECTS_MAX} times.`);
  }

  async #open(
    url: string,
    { param, untilMs }: { readonly param: string; readonly untilMs: number },
  ): Promise<EgressStream> {
    const timeoutMs = Math.max(1, Math.ceil(untilMs - performance.now()));
    const { idleMs } = this.#options;
    const headers = { accept: 'image/*, audio/*, video/*', 'accept-encoding': 'identity' };
    try {
      return await this.#client.open({ url, headers, timeoutMs, idleMs });
    } catch (error) {
      throw refusal(param, UNREACHABLE, error);
    }
  }
}
