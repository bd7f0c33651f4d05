/**
 * A client that notes what it really got of each call.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { Agent, request } from 'undici';

/**
 * - `whole`: the answer with its end: a JSON body, or a stream with its terminal marker
 * - `error`: a whole error reply before any content
 * - `cut`: connection or stream broke first
 * - `left`: this client went away
 */
export type CallEnd = 'whole' | 'error' | 'cut' | 'left';

export interface CallResult {
  readonly tag: string;
  readonly end: CallEnd;
  readonly status: number | null;
  readonly code: string | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As the answer states them; null where it was not whole. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Decimal USD. */
  readonly cost: string | null;
  /** Said to be the reply of an earlier call with the same key. */
  readonly replayed: boolean;
  /** Of a whole answer as it came, without the comments that kept the connection alive; else null. */
  readonly digest: string | null;
}

export interface ChatCall {
  /** In the prompt and in `x-gateway-tags`: the same on both sides of the gateway. */
  readonly tag: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly stream: boolean;
  /** Milliseconds after which this client leaves; null: stays. */
  readonly leaveAfterMs: number | null;
  readonly idempotencyKey?: string;
  /** Token of a quote that holds. */
  readonly quote?: string;
}

interface Usage {
  readonly prompt_tokens?: number;
  readonly completion_tokens?: number;
  readonly cost?: number | string;
}

interface AnswerBody {
  readonly usage?: Usage | null;
  readonly error?: { readonly code?: string };
}

/** Of a call that got nothing. */
const NOTHING = {
  code: null,
  headers: {},
  inputTokens: null,
  outputTokens: null,
  cost: null,
  replayed: false,
  digest: null,
};

function parse(text: string): AnswerBody | null {
  try {
    return JSON.parse(text) as AnswerBody;
  } catch {
    return null;
  }
}

function bodyOf(call: ChatCall): string {
  return JSON.stringify({
    model: call.model,
    messages: [{ role: 'user', content: `Write about number ${call.tag} please` }],
    max_tokens: call.maxTokens,
    ...(call.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
  });
}

/** What a finished body says; a stream without its marker, or with an error in it, was cut. */
function read(text: string, stream: boolean): Pick<CallResult, 'end' | 'code'> & { usage: Usage } {
  if (!stream) {
    const body = parse(text);
    const usage = body?.usage ?? null;
    return usage === null
      ? { end: 'cut', code: null, usage: {} }
      : { end: 'whole', code: null, usage };
  }
  const events = text.split('\n\n').map((event) => event.replace(/^data: /, ''));
  let usage: Usage = {};
  let code: string | null = null;
  for (const event of events) {
    const body = parse(event);
    usage = body?.usage ?? usage;
    code = body?.error?.code ?? code;
  }
  const isWhole = code === null && events.includes('[DONE]');
  return { end: isWhole ? 'whole' : 'cut', code, usage };
}

function headersOf(key: string, call: ChatCall): Record<string, string> {
  return {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'x-gateway-tags': JSON.stringify({ call: call.tag }),
    ...(call.idempotencyKey === undefined ? {} : { 'idempotency-key': call.idempotencyKey }),
    ...(call.quote === undefined ? {} : { 'x-gateway-quote': call.quote }),
  };
}

function digestOf(text: string): string {
  return hash('sha256', text.replaceAll(/^:.*\n\n/gm, ''));
}

export class ChatCaller {
  readonly #agent = new Agent({ connections: 256, pipelining: 1, bodyTimeout: 60_000 });
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async call(key: string, call: ChatCall): Promise<CallResult> {
    const leaving = new AbortController();
    const timer =
      call.leaveAfterMs === null ? null : setTimeout(() => leaving.abort(), call.leaveAfterMs);
    const nothing = { ...NOTHING, tag: call.tag };
    let status: number | null = null;
    try {
      const reply = await request(`${this.#url}/v1/chat/completions`, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: leaving.signal,
        headers: headersOf(key, call),
        body: bodyOf(call),
      });
      status = reply.statusCode;
      const { headers } = reply;
      const replayed = headers['idempotency-replayed'] === 'true';
      const text = await reply.body.text();
      if (status !== 200) {
        const code = parse(text)?.error?.code ?? null;
        return { ...nothing, end: 'error', status, code, headers, replayed };
      }
      const { end, code, usage } = read(text, call.stream);
      const header = headers['x-gateway-cost'];
      const cost = call.stream ? (usage.cost ?? null) : header;
      return {
        tag: call.tag,
        end,
        status,
        code,
        headers,
        inputTokens: usage.prompt_tokens ?? null,
        outputTokens: usage.completion_tokens ?? null,
        cost: cost === null || cost === undefined ? null : String(cost),
        replayed,
        digest: end === 'whole' ? digestOf(text) : null,
      };
    } catch {
      const end = leaving.signal.aborted ? 'left' : 'cut';
      return { ...nothing, end, status };
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  /** A call of any path that asks or has JSON; null when the gateway is gone. */
  async send<Reply>(
    key: string,
    call: `${'GET' | 'POST' | 'DELETE'} /${string}`,
    more: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<{ readonly status: number; readonly json: Reply } | null> {
    const [method = 'GET', path = '/'] = call.split(' ');
    try {
      const reply = await request(`${this.#url}${path}`, {
        method,
        dispatcher: this.#agent,
        headers: {
          authorization: `Bearer ${key}`,
          ...(more.body === undefined ? {} : { 'content-type': 'application/json' }),
          ...more.headers,
        },
        ...(more.body === undefined ? {} : { body: JSON.stringify(more.body) }),
      });
      const text = await reply.body.text();
      return { status: reply.statusCode, json: JSON.parse(text) as Reply };
    } catch {
      return null;
    }
  }

  /** `GET` of a path; null when the gateway is gone, or for any status but 200. */
  async get<Reply>(key: string, path: `/${string}`): Promise<Reply | null> {
    const reply = await this.send<Reply>(key, `GET ${path}`);
    return reply?.status === 200 ? reply.json : null;
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
