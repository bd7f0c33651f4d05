/**
 * `POST /v1/moderations` (https://platform.openai.com/docs/api-reference/moderations). What is flagged follows from words
 * in the text, and from the same words anywhere in a picture's address or bytes; `sim-…` models also count tokens.
 *
 * @module
 */
import { findFault, type Fault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { listOf, objectOf, stringOf } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { errorJson } from './errors.ts';
import { jsonReply, refuse } from './media-reply.ts';

/** Words by the category that they are taken for. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  harassment: ['worthless idiot'],
  hate: ['hateful slogan'],
  illicit: ['build a bomb'],
  'self-harm': ['hurt myself'],
  sexual: ['explicit nudity'],
  violence: ['kill', 'massacre', 'gore'],
};

interface Part {
  readonly kind: 'text' | 'image';
  /** What is looked through. */
  readonly content: string;
}

function partOf(value: unknown): Part {
  const part = objectOf(value);
  if (part['type'] === 'text') return { kind: 'text', content: stringOf(part['text']) ?? '' };
  const url = stringOf(objectOf(part['image_url'])['url']) ?? '';
  const data = /^data:[^,]*;base64,(.*)$/s.exec(url)?.[1];
  const content = data === undefined ? url : Buffer.from(data, 'base64').toString('latin1');
  return { kind: 'image', content };
}

function groupsOf(input: unknown): readonly (readonly Part[])[] {
  if (typeof input === 'string') return [[{ kind: 'text', content: input }]];
  const list = listOf(input);
  if (list.every((item) => typeof item === 'string')) {
    return list.map((content) => [{ kind: 'text', content }]);
  }
  return [list.map(partOf)];
}

function verdictOf(parts: readonly Part[]): object {
  const found = Object.entries(WORDS).map(([category, words]) => {
    const hit = parts.filter(({ content }) =>
      words.some((word) => content.toLowerCase().includes(word)),
    );
    return { category, kinds: [...new Set(hit.map(({ kind }) => kind))] };
  });
  const by = <Value>(read: (kinds: readonly string[]) => Value): Record<string, Value> =>
    Object.fromEntries(found.map(({ category, kinds }) => [category, read(kinds)]));
  return {
    flagged: found.some(({ kinds }) => kinds.length > 0),
    categories: by((kinds) => kinds.length > 0),
    category_scores: by((kinds) => (kinds.length > 0 ? 0.98 : 0.0001)),
    category_applied_input_types: by((kinds) => kinds),
  };
}

function answer(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const body = objectOf(call.json);
  const model = stringOf(body['model']) ?? 'omni-moderation-latest';
  const groups = groupsOf(body['input']);
  if (groups.length === 0) return refuse(call, 'input', "Missing required parameter: 'input'.");
  const inBand = findFault(faults, 'in-band-error');
  if (inBand !== undefined) {
    return { ...jsonReply(call, {}, NO_USAGE), body: errorJson(inBand.error, model), usage: null };
  }
  const texts = groups.flat().filter(({ kind }) => kind === 'text');
  const tokens = texts.reduce((sum, { content }) => sum + countTokens(content), 0);
  // OpenAI counts nothing, since it bills nothing.
  const counts = model.startsWith('moderate');
  return jsonReply(
    call,
    {
      id: `modr-${call.id}`,
      model,
      results: groups.map(verdictOf),
      ...(counts ? { usage: { total_tokens: tokens } } : {}),
    },
    counts ? { ...NO_USAGE, inputTokens: tokens } : NO_USAGE,
  );
}

export function moderationsRoute(call: SimulatedCall): FamilyRoute {
  return {
    model: stringOf(objectOf(call.json)['model']),
    stream: false,
    answer: (faults) => answer(call, faults),
  };
}
