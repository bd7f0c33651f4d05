/**
 * What is sent and what the mock provider answers: fixed bytes, so that every subject does the same work.
 * Shapes: OpenAI Chat Completions (https://platform.openai.com/docs/api-reference/chat).
 *
 * @module
 */

/** What the mock always reports, however long its answer, so that the booked tokens can be checked exactly. */
export const USAGE = { prompt_tokens: 250, completion_tokens: 200, total_tokens: 450 } as const;
export const MODEL = 'gpt-4o-mini';

export type ScenarioId = 'small' | 'large' | 'stream' | 'long';

export interface Scenario {
  readonly id: ScenarioId;
  readonly title: string;
  readonly bodyBytes: number;
  readonly stream: boolean;
  /** Content chunks of a streamed answer, before finish, usage and `[DONE]`; 0 for whole answers. */
  readonly chunks: number;
  /** `max_tokens` of the request, by which the mock provider tells long streams from short ones. */
  readonly maxTokens: number;
}

const SMALL_BYTES = 1000;
const WHOLE = { stream: false, chunks: 0, maxTokens: 256 } as const;

function streamScenario(id: ScenarioId, chunks: number, maxTokens: number): Scenario {
  const title = `1 kB request, SSE of ${chunks} chunks`;
  return { id, title, bodyBytes: SMALL_BYTES, stream: true, chunks, maxTokens };
}

export const SCENARIOS: Readonly<Record<ScenarioId, Scenario>> = {
  small: { id: 'small', title: '1 kB request, 1 kB answer', bodyBytes: SMALL_BYTES, ...WHOLE },
  large: { id: 'large', title: '100 kB request, 1 kB answer', bodyBytes: 100_000, ...WHOLE },
  stream: streamScenario('stream', 50, 256),
  long: streamScenario('long', 500, 2560),
};

const PROSE = 'The quick brown fox jumps over the lazy dog while the river runs on. ';

function proseOf(length: number): string {
  return PROSE.repeat(Math.ceil(length / PROSE.length)).slice(0, Math.max(0, length));
}

/** A chat request of exactly `scenario.bodyBytes` bytes: a system message, then one long user message. */
export function chatBody(scenario: Scenario, model: string): Buffer {
  const make = (text: string): string =>
    JSON.stringify({
      model,
      messages: [
        { role: 'system', content: 'You are a careful editor. Answer in plain English.' },
        { role: 'user', content: text },
      ],
      max_tokens: scenario.maxTokens,
      temperature: 0.7,
      ...(scenario.stream ? { stream: true, stream_options: { include_usage: true } } : {}),
    });
  return Buffer.from(make(proseOf(scenario.bodyBytes - make('').length)));
}

export interface RequestTarget {
  /** `http://host:port`, no path. */
  readonly origin: string;
  readonly model: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** The whole request as it goes over the socket. */
export function requestBytes(scenario: Scenario, target: RequestTarget): Buffer {
  const body = chatBody(scenario, target.model);
  const lines = [
    'POST /v1/chat/completions HTTP/1.1',
    `Host: ${new URL(target.origin).host}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
    ...Object.entries(target.headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), body]);
}

const ANSWER_BASE = {
  id: 'chatcmpl-bench',
  created: 1_750_000_000,
  model: 'gpt-4o-mini-2024-07-18',
};

/** The mock's plain answer with headers, about 1 kB of body. */
export function plainAnswerBytes(): Buffer {
  const body = JSON.stringify({
    ...ANSWER_BASE,
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: { role: 'assistant', content: proseOf(700), refusal: null },
        logprobs: null,
        finish_reason: 'stop',
      },
    ],
    usage: USAGE,
    system_fingerprint: 'fp_bench',
  });
  return Buffer.from(
    `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
  );
}

const STREAM_FLAG = /"stream" ?: ?true/;
/** A subject may send the limit on under the field's newer name. */
const TOKEN_LIMIT = /"max_(?:completion_)?tokens" ?: ?(\d+)/;

/** The streamed scenario to which a request body belongs; null for one that wants a whole answer. */
export function streamOf(body: string): Scenario | null {
  if (!STREAM_FLAG.test(body)) return null;
  const { stream, long } = SCENARIOS;
  return Number(TOKEN_LIMIT.exec(body)?.[1]) === long.maxTokens ? long : stream;
}

/** The mock's streamed answer with headers, one HTTP chunk per event, in the order they are written. */
export function streamAnswerParts(chunks: number): Buffer[] {
  const event = (rest: object): Buffer =>
    Buffer.from(
      `data: ${JSON.stringify({ ...ANSWER_BASE, object: 'chat.completion.chunk', ...rest })}\n\n`,
    );
  const choice = (delta: object, reason: string | null): object => ({
    choices: [{ index: 0, delta, logprobs: null, finish_reason: reason }],
    usage: null,
  });
  const events = Array.from({ length: chunks }, () => event(choice({ content: ' word' }, null)));
  events.push(
    event(choice({}, 'stop')),
    event({ choices: [], usage: USAGE }),
    Buffer.from('data: [DONE]\n\n'),
  );
  const head = Buffer.from(
    'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n',
  );
  const framed = events.map((data) =>
    Buffer.concat([Buffer.from(`${data.length.toString(16)}\r\n`), data, Buffer.from('\r\n')]),
  );
  return [head, ...framed, Buffer.from('0\r\n\r\n')];
}
