/**
 * The one client for URLs that somebody else supplied: guarded addresses, no redirects, no ambient authority, capped
 * time and reply.
 *
 * @module
 */
import { Agent, buildConnector, request } from 'undici';
import {
  checkDialled,
  checkEgressUrl,
  type EgressRefused,
  type EgressPolicy,
  guardedLookup,
} from './egress-guard.ts';

export interface EgressRequest {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  /** From dialling to the last byte that is read. */
  readonly timeoutMs: number;
  /** Bytes of the reply that are kept; the rest is not read. */
  readonly maxReplyBytes: number;
}

export interface EgressReply {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** A download that is read while it comes. */
export interface EgressDownload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** From dialling to the last byte that is read. */
  readonly timeoutMs: number;
  /** Longest silence between two bytes. */
  readonly idleMs: number;
}

export interface EgressStream {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  /** Fails with the transport, and when the time is over. */
  readonly body: AsyncIterable<Buffer>;
  /** Ends the download, read or not; must be called. */
  close(): void;
}

export interface EgressClientOptions {
  readonly policy: EgressPolicy;
  readonly connectTimeoutMs: number;
  /** Names the gateway to the other side. */
  readonly userAgent: string;
}

function plainHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) plain[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return plain;
}

/** Dials only what the policy permits, whoever resolved what before. */
function guardedAgent({ policy, connectTimeoutMs }: EgressClientOptions): Agent {
  const connect = buildConnector({
    timeout: connectTimeoutMs,
    lookup: guardedLookup(policy),
    allowH2: false,
  });
  return new Agent({
    keepAliveTimeout: 4_000,
    keepAliveMaxTimeout: 10_000,
    connect(options, callback) {
      const host = options.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
      connect(options, (...answer) => {
        const [error, socket] = answer;
        if (error !== null) {
          callback(error, null);
          return;
        }
        try {
          checkDialled(host, socket.remoteAddress, policy);
        } catch (refusal) {
          socket.destroy();
          callback(refusal as EgressRefused, null);
          return;
        }
        callback(null, socket);
      });
    },
  });
}

export class EgressClient {
  readonly #options: EgressClientOptions;
  readonly #agent: Agent;

  constructor(options: EgressClientOptions) {
    this.#options = options;
    this.#agent = guardedAgent(options);
  }

  /**
   * Sends one request; a redirect is an answer like any other.
   *
   * @throws EgressRefused for what may not be called, Error of the transport or of the time limit
   */
  async send(outgoing: EgressRequest): Promise<EgressReply> {
    const url = checkEgressUrl(outgoing.url, this.#options.policy);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      stop.abort(new Error(`no whole answer within ${outgoing.timeoutMs} ms`));
    }, outgoing.timeoutMs);
    try {
      const reply = await request(url, {
        dispatcher: this.#agent,
        method: outgoing.method,
        headers: { 'user-agent': this.#options.userAgent, ...outgoing.headers },
        body: outgoing.body ?? null,
        signal: stop.signal,
        headersTimeout: 0,
        bodyTimeout: 0,
      });
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const chunk of reply.body as AsyncIterable<Buffer>) {
        chunks.push(chunk);
        size += chunk.length;
        // Leaving the loop closes the connection: nobody can make us read for ever.
        if (size >= outgoing.maxReplyBytes) break;
      }
      const body = Buffer.concat(chunks).subarray(0, outgoing.maxReplyBytes);
      return { status: reply.statusCode, headers: plainHeaders(reply.headers), body };
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * Begins a download; a redirect is an answer like any other.
   *
   * @throws EgressRefused for what may not be called, Error of the transport or of the time limit
   */
  async open(download: EgressDownload): Promise<EgressStream> {
    const url = checkEgressUrl(download.url, this.#options.policy);
    const stop = new AbortController();
    const timer = setTimeout(() => {
      stop.abort(new Error(`not fetched within ${download.timeoutMs} ms`));
    }, download.timeoutMs);
    try {
      const reply = await request(url, {
        dispatcher: this.#agent,
        method: 'GET',
        headers: { 'user-agent': this.#options.userAgent, ...download.headers },
        signal: stop.signal,
        headersTimeout: download.idleMs,
        bodyTimeout: download.idleMs,
      });
      // What nobody reads may still fail.
      reply.body.on('error', () => undefined);
      return {
        status: reply.statusCode,
        headers: plainHeaders(reply.headers),
        body: reply.body as AsyncIterable<Buffer>,
        close() {
          clearTimeout(timer);
          reply.body.destroy();
        },
      };
    } catch (error) {
      clearTimeout(timer);
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
