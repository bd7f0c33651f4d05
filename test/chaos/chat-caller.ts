/**
 * A client that never repeats a call and notes what it really got of each.
 *
 * @module
 */
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
}

export interface ChatCall {
  /** In the prompt and in `x-gateway-tags`: the same on both sides of the gateway. */
  readonly tag: string;
  readonly model: string;
  readonly maxTokens: number;
  readonly stream: boolean;
  /** Milliseconds after which this client leaves; null: stays. */
  readonly leaveAfterMs: number | null;
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
    const nothing = { code: null, headers: {}, inputTokens: null, outputTokens: null, cost: null };
    let status: number | null = null;
    try {
      const reply = await request(`${this.#url}/v1/chat/completions`, {
        method: 'POST',
        dispatcher: this.#agent,
        signal: leaving.signal,
        headers: {
          authorization: `Bearer ${key}`,
          'content-type': 'application/json',
          'x-gateway-tags': JSON.stringify({ call: call.tag }),
        },
        body: bodyOf(call),
      });
      status = reply.statusCode;
      const { headers } = reply;
      const text = await reply.body.text();
      if (status !== 200) {
        const code = parse(text)?.error?.code ?? null;
        return { ...nothing, tag: call.tag, end: 'error', status, code, headers };
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
      };
    } catch {
      const end = leaving.signal.aborted ? 'left' : 'cut';
      return { ...nothing, tag: call.tag, end, status };
    } finally {
      if (timer !== null) clearTimeout(timer);
    }
  }

  /** `GET` of a data-plane path; null when the gateway is gone. */
  async get<Reply>(key: string, path: string): Promise<Reply | null> {
    try {
      const reply = await request(`${this.#url}${path}`, {
        dispatcher: this.#agent,
        headers: { authorization: `Bearer ${key}` },
      });
      const text = await reply.body.text();
      return reply.statusCode === 200 ? (JSON.parse(text) as Reply) : null;
    } catch {
      return null;
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}
