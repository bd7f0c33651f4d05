/**
 * What an error body says, whatever its shape.
 *
 * Shapes: `{error: {message, type, code, param}}` (OpenAI), `{error: "text"}` (Hugging Face, xAI), `{object: "error",
 * message, …}` (vLLM, Mistral), `{detail}` (FastAPI), `{message}`.
 *
 * @module
 */
import { isObject, listOf, objectOf, textOf, type LooseObject } from './loose-json.ts';

/** Errors inside errors are followed this far. */
const DEPTH_MAX = 4;

export interface ErrorFacts {
  readonly message: string | null;
  /** Typed words of the error: its code, type and their kin, lower case. */
  readonly words: readonly string[];
  /** The most telling of them, as the provider wrote it. */
  readonly code: string | null;
  readonly param: string | null;
  /** HTTP status that an in-band error names. */
  readonly status: number | null;
}

export const NO_FACTS: ErrorFacts = {
  message: null,
  words: [],
  code: null,
  param: null,
  status: null,
};

/** The parsed text; undefined when it is not JSON. */
export function parsedOrUndefined(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A code as text: numbers are codes too (Mistral, OpenRouter). */
function codeOf(value: unknown): string | null {
  if (typeof value === 'number') return String(value);
  return textOf(value)?.slice(0, 100) ?? null;
}

function statusOf(...values: readonly unknown[]): number | null {
  for (const value of values) {
    const status = typeof value === 'string' && /^\d{3}$/.test(value) ? Number(value) : value;
    if (typeof status === 'number' && status >= 400 && status <= 599) return status;
  }
  return null;
}

/** FastAPI's `detail`: a sentence, an object, or a list of problems with their places. */
function detailFacts(detail: unknown, depth: number): ErrorFacts {
  if (typeof detail === 'string') return { ...NO_FACTS, message: detail };
  if (isObject(detail)) return errorFacts(detail, depth + 1);
  const [problem] = listOf(detail);
  if (!isObject(problem)) return NO_FACTS;
  const place = listOf(problem['loc'])
    .filter((step) => step !== 'body' && typeof step !== 'object')
    .join('.');
  const sentence = textOf(problem['msg']);
  const code = codeOf(problem['type']);
  return {
    ...NO_FACTS,
    message: sentence === null || place === '' ? sentence : `${place}: ${sentence}`,
    param: place === '' ? null : place,
    code,
    words: code === null ? [] : [code.toLowerCase()],
  };
}

/** A router's own sentence says little; what its upstream said stands in `metadata.raw` (OpenRouter). */
function upstreamSentence(error: LooseObject, depth: number): string | null {
  const raw = textOf(objectOf(error['metadata'])['raw']);
  if (raw === null) return null;
  const body = parsedOrUndefined(raw);
  return body === undefined ? raw : errorFacts(body, depth + 1).message;
}

/** Where the sentence is an object, it is an error of its own (Mistral's `message: {detail: […]}`). */
function nestedFacts(error: LooseObject, depth: number): ErrorFacts {
  const nested = [error['message'], error['error'], error['detail']].find(
    (value) => typeof value === 'object' && value !== null,
  );
  return nested === undefined ? NO_FACTS : errorFacts(nested, depth + 1);
}

function factsOfObject(error: LooseObject, outer: LooseObject, depth: number): ErrorFacts {
  const inner = objectOf(error['innererror']);
  const codes = [
    error['code'],
    error['type'],
    inner['code'],
    outer['code'],
    outer['type'],
    outer['error_type'],
  ].flatMap((word) => codeOf(word) ?? []);
  const sentence =
    textOf(error['message']) ??
    textOf(error['msg']) ??
    textOf(error['error']) ??
    textOf(error['detail']);
  const nested = sentence === null ? nestedFacts(error, depth) : NO_FACTS;
  const upstream = upstreamSentence(error, depth);
  return {
    message:
      sentence !== null && upstream !== null
        ? `${sentence}: ${upstream}`
        : (sentence ?? nested.message),
    words: [...codes.map((code) => code.toLowerCase()), ...nested.words],
    code: codes[0] ?? nested.code,
    param: textOf(error['param']) ?? nested.param,
    status:
      statusOf(error['status'], error['code'], outer['status'], outer['code']) ?? nested.status,
  };
}

/** What a parsed error body says; nothing is looked for below {@link DEPTH_MAX}. */
export function errorFacts(body: unknown, depth = 0): ErrorFacts {
  if (depth > DEPTH_MAX) return NO_FACTS;
  if (Array.isArray(body))
    return typeof body[0] === 'object' && isObject(body[0]) && 'loc' in body[0]
      ? detailFacts(body, depth)
      : errorFacts(body[0], depth + 1);
  if (!isObject(body)) return NO_FACTS;
  const error = body['error'];
  if (isObject(error)) return factsOfObject(error, body, depth);
  if (typeof error === 'string') return factsOfObject({ message: error }, body, depth);
  if (Array.isArray(error)) {
    const message = error.filter((item) => typeof item === 'string').join(' ');
    return factsOfObject({ message }, body, depth);
  }
  if ((body['message'] ?? null) === null && 'detail' in body)
    return detailFacts(body['detail'], depth);
  return factsOfObject(body, {}, depth);
}
