/**
 * Calls a running gateway over HTTP and turns its errors into those of the command line.
 *
 * @module
 */
import { z } from 'zod';
import { CliError } from './cli-error.ts';
import { findKey, findUrl, type ConnectionFlags, type KeyKind } from './connection.ts';
import type { CliContext } from './context.ts';
import { EXIT_CODES } from './exit-codes.ts';
import { refusalOf } from './gateway-refusal.ts';

export type Query = Readonly<Record<string, string | undefined>>;

export interface CallOptions {
  readonly query?: Query;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Longest wait for the headers of the answer, and for its body unless it is a stream. */
  readonly timeoutMs?: number;
}

export interface JsonReply {
  readonly headers: Headers;
  readonly body: Readonly<Record<string, unknown>>;
}

const TIMEOUT_MS = 30_000;
const objectSchema = z.record(z.string(), z.unknown());

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (cause instanceof Error && 'code' in cause) {
    switch (cause.code) {
      case 'ECONNREFUSED':
        return 'nothing listens there';
      case 'ENOTFOUND':
      case 'EAI_AGAIN':
        return 'the host name is not known';
      case 'ECONNRESET':
      case 'UND_ERR_SOCKET':
        return 'the connection was closed before an answer came';
    }
  }
  if (cause instanceof Error && cause.name === 'TimeoutError') return 'no answer came in time';
  return cause instanceof Error ? cause.message : String(cause);
}

export class GatewayClient {
  readonly url: string;
  readonly #key: string;
  readonly #context: CliContext;

  constructor(context: CliContext, url: string, key: string) {
    this.#context = context;
    this.url = url;
    this.#key = key;
  }

  /** The client that flags, environment and data folder describe. */
  static find(context: CliContext, flags: ConnectionFlags, kind: KeyKind): GatewayClient {
    return new GatewayClient(context, findUrl(context, flags), findKey(context, flags, kind));
  }

  /**
   * Sends a request; the reply may have any status below 400.
   *
   * @throws CliError `unreachable`, or what the gateway's error says
   */
  async send(method: string, path: string, options: CallOptions = {}): Promise<Response> {
    const response = await this.#fetch(method, path, options);
    if (response.status < 400) return response;
    throw refusalOf(
      { status: response.status, text: await response.text(), url: this.url, path },
      this.#context,
    );
  }

  /**
   * Sends a request whose reply is a JSON object.
   *
   * @throws CliError as {@link send}, and when the reply is none
   */
  async call(method: string, path: string, options: CallOptions = {}): Promise<JsonReply> {
    const response = await this.send(method, path, options);
    const parsed = objectSchema.safeParse(await response.json().catch(() => null));
    if (parsed.success) return { headers: response.headers, body: parsed.data };
    throw this.#unreachable('what answers there is no gateway');
  }

  /** Calls the control plane; `path` stands below `/admin/v1`. */
  async admin(method: string, path: string, options: CallOptions = {}): Promise<JsonReply['body']> {
    return (await this.call(method, `/admin/v1${path}`, options)).body;
  }

  async #fetch(method: string, path: string, options: CallOptions): Promise<Response> {
    const query = new URLSearchParams();
    for (const [name, value] of Object.entries(options.query ?? {})) {
      if (value !== undefined) query.set(name, value);
    }
    const search = query.size === 0 ? '' : `?${query.toString()}`;
    try {
      return await fetch(`${this.url}${path}${search}`, {
        method,
        redirect: 'error',
        headers: {
          authorization: `Bearer ${this.#key}`,
          ...(options.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...options.headers,
        },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
        signal: AbortSignal.timeout(options.timeoutMs ?? TIMEOUT_MS),
      });
    } catch (error) {
      throw this.#unreachable(reasonOf(error), error);
    }
  }

  #unreachable(reason: string, cause?: unknown): CliError {
    const { invocation } = this.#context;
    return new CliError(`No gateway answers at ${this.url}: ${reason}.`, {
      exitCode: EXIT_CODES.unreachable,
      code: 'unreachable',
      fixes: [
        `${invocation} start`,
        'or name another one: --url <address>, GATEWAY_URL, or --data-dir <its folder>',
      ],
      cause,
    });
  }
}

/**
 * A reply of a known shape; members that are not asked for are left as they are.
 *
 * @throws CliError when the gateway answers in another shape: it is of another version
 */
export function parseReply<Schema extends z.ZodType>(
  schema: Schema,
  body: unknown,
): z.output<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CliError(
    `The gateway answered in a shape that this version does not know (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}).`,
    { code: 'unknown_reply', fixes: ['use the command line of the same version as the gateway'] },
  );
}
