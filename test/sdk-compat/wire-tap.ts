/**
 * Listens to what passes between an unmodified client library and the gateway, and holds every reply of OpenAI's
 * shapes against the vendor's OpenAPI document.
 *
 * The clients call the platform's `fetch`; the tap stands in its place, so that nothing of a client has to be
 * changed or configured. The document is not part of the repository: `GATEWAY_SPECS_DIR`, by default
 * `../shared/fixtures/specs` beside it, names its folder.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { JsonSchemaCheck } from '../support/json-schema-check.ts';

const FOLDER =
  process.env['GATEWAY_SPECS_DIR'] ??
  join(dirname(fileURLToPath(import.meta.url)), '../../../shared/fixtures/specs');
const DOCUMENT = join(FOLDER, 'openai.openapi.json');

/** Why replies are not held against the vendor's document; null when they are. */
export const skippedBecause = existsSync(DOCUMENT)
  ? null
  : `no openai.openapi.json in ${FOLDER}: replies are not checked against it`;

const document: Readonly<Record<string, unknown>> =
  skippedBecause === null
    ? (JSON.parse(readFileSync(DOCUMENT, 'utf8')) as Record<string, unknown>)
    : {};
const check = new JsonSchemaCheck(document);

export type SchemaName =
  | 'CreateChatCompletionResponse'
  | 'CreateChatCompletionStreamResponse'
  | 'ErrorResponse'
  | 'ListModelsResponse'
  | 'Model';

/**
 * What other servers of this protocol leave out, and what therefore is missing in answers that are relayed as they
 * came: Hugging Face's router knows no `refusal` (recorded). Clients read a missing one as none.
 */
const LEFT_OUT_BY_SERVERS = /\.message\.refusal: is missing$/;

/** What of `value` the vendor's component schema forbids. */
export function problemsOf(schema: SchemaName, value: unknown): readonly string[] {
  if (skippedBecause !== null) return [];
  return check.problems({ $ref: `#/components/schemas/${schema}` }, value, schema);
}

export interface TappedCall {
  readonly method: string;
  readonly path: string;
  readonly retryCount: string | null;
  readonly status: number;
  readonly headers: Headers;
}

export interface Checked {
  /** What did not conform. */
  readonly problems: readonly string[];
  /** How many values were looked at. */
  readonly checked: number;
}

export interface WireTap {
  /** Calls whose reply has begun, in order. */
  readonly calls: TappedCall[];
  /** Holds what was read since the last time against the vendor's document. */
  check(): Checked;
  remove(): void;
}

function schemaOf(path: string, status: number): SchemaName | null {
  if (status >= 400) return 'ErrorResponse';
  if (path.endsWith('/chat/completions')) return 'CreateChatCompletionResponse';
  if (path.endsWith('/models')) return 'ListModelsResponse';
  return path.includes('/models/') ? 'Model' : null;
}

/** The data of every complete event; the last one of a reply that was cut off is not complete. */
export function eventsOf(text: string): readonly string[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => (block.startsWith('data: ') ? [block.slice('data: '.length)] : []));
}

function streamProblems(text: string): Checked {
  const values = eventsOf(text).filter((data) => data !== '[DONE]');
  const problems = values.flatMap((data) => {
    const value = JSON.parse(data) as Record<string, unknown>;
    const schema = 'error' in value ? 'ErrorResponse' : 'CreateChatCompletionStreamResponse';
    return problemsOf(schema, value);
  });
  return { problems, checked: values.length };
}

interface Heard {
  readonly call: TappedCall;
  text: string;
}

function problemsOfReply({ call, text }: Heard): Checked {
  if (call.headers.get('content-type')?.startsWith('text/event-stream') === true) {
    return streamProblems(text);
  }
  const schema = schemaOf(call.path, call.status);
  if (schema === null || text === '') return { problems: [], checked: 0 };
  const problems = problemsOf(schema, JSON.parse(text));
  const isRelayed = call.headers.get('x-gateway-provider') === 'huggingface';
  return {
    problems: problems.filter((problem) => !isRelayed || !LEFT_OUT_BY_SERVERS.test(problem)),
    checked: 1,
  };
}

/** The same response, whose body is noted while the client reads it; leaving early leaves early upstream too. */
function overhear(response: Response, heard: Heard): Response {
  const decoder = new TextDecoder();
  const body = response.body?.pipeThrough(
    new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
      transform(chunk, controller) {
        heard.text += decoder.decode(chunk, { stream: true });
        controller.enqueue(chunk);
      },
    }),
  );
  const { status, statusText, headers } = response;
  return new Response(body ?? null, { status, statusText, headers });
}

/** Puts the tap in place for calls to `origin`. */
export function installWireTap(origin: string): WireTap {
  const original = globalThis.fetch;
  const calls: TappedCall[] = [];
  const replies: Heard[] = [];

  globalThis.fetch = async (input, init) => {
    const response = await original(input, init);
    const url = new URL(input instanceof Request ? input.url : String(input));
    if (url.origin !== origin) return response;
    const call = {
      method: init?.method ?? 'GET',
      path: url.pathname,
      retryCount: new Headers(init?.headers).get('x-stainless-retry-count'),
      status: response.status,
      headers: response.headers,
    };
    calls.push(call);
    const heard = { call, text: '' };
    replies.push(heard);
    return overhear(response, heard);
  };
  return {
    calls,
    check() {
      const results = replies.splice(0).map(problemsOfReply);
      return {
        problems: [...new Set(results.flatMap((result) => result.problems))],
        checked: results.reduce((sum, result) => sum + result.checked, 0),
      };
    },
    remove() {
      globalThis.fetch = original;
    },
  };
}
