/**
 * Usage of the chat completions protocol as disjoint classes
 * (https://platform.openai.com/docs/api-reference/chat/object#chat/object-usage).
 *
 * `total_tokens` is the provider's own sum and wins: servers disagree on what `prompt_tokens` and
 * `completion_tokens` hold. OpenAI counts reasoning inside `completion_tokens`, xAI beside it; Mistral counts audio
 * beside `prompt_tokens` (both recorded).
 *
 * @module
 */
import { BELIEVED_COUNT_MAX, type UsageUnit, type UsageVector } from '../../contracts/usage.ts';
import { isObject, objectOf, type LooseObject } from './loose-json.ts';

/** Members of a usage object that the server bills beside `total_tokens`, and the class they are billed as. */
export type UsageBesideTotal = Readonly<Record<string, UsageUnit>>;

/** A whole, non-negative, believable count; null for what is no number. */
function countOf(value: unknown): number | null {
  if (typeof value !== 'number' || Number.isNaN(value)) return null;
  return Math.min(BELIEVED_COUNT_MAX, Math.max(0, Math.trunc(value)));
}

/** The first of the members that holds a number. */
function firstCount(...values: readonly unknown[]): number | null {
  for (const value of values) {
    const count = countOf(value);
    if (count !== null) return count;
  }
  return null;
}

interface Sides {
  readonly input: number;
  readonly output: number;
}

/** Counts of details that some servers keep beside `prompt_tokens` or `completion_tokens`. */
interface Details {
  readonly reasoning: number;
  readonly audioInput: number;
  readonly cached: number;
}

/**
 * How much of the difference between the total and its parts is input: all of it where it is exactly the audio or the
 * cached tokens, none where it is the reasoning or cannot be explained (output is never the cheaper reading).
 */
function inputBeside(beside: number, { reasoning, audioInput, cached }: Details): number {
  if (beside === reasoning) return 0;
  for (const input of [audioInput, cached, audioInput + cached]) {
    if (input > 0 && (beside === input || beside === input + reasoning)) return input;
  }
  return 0;
}

/** Input and output such that their sum is the provider's total, wherever that total can be true. */
function sidesOf(usage: LooseObject, details: Details): Sides | null {
  const prompt = firstCount(usage['prompt_tokens'], usage['input_tokens']);
  const completion = firstCount(usage['completion_tokens'], usage['output_tokens']);
  const total = countOf(usage['total_tokens']);
  if (prompt === null && completion === null && total === null) return null;
  if (total === null) return { input: prompt ?? 0, output: completion ?? 0 };
  if (prompt === null) {
    const output = Math.min(completion ?? 0, total);
    return { input: total - output, output };
  }
  if (completion === null) return { input: prompt, output: Math.max(0, total - prompt) };
  const beside = total - prompt - completion;
  // A total below its own parts is no total.
  if (beside <= 0) return { input: prompt, output: completion };
  const input = prompt + inputBeside(beside, details);
  return { input, output: total - input };
}

type MutableUsage = { -readonly [Unit in keyof UsageVector]: UsageVector[Unit] };

/** Adds to a class by its name: for the few that a server bills beside the total. */
function add(vector: MutableUsage, unit: UsageUnit, count: number): void {
  if (count > 0) vector[unit] = (vector[unit] ?? 0) + count;
}

/** Cached input: OpenAI's details, DeepSeek's hit count, Together's and Moonshot's plain member. */
function cachedOf(usage: LooseObject, details: LooseObject): number {
  return (
    firstCount(
      details['cached_tokens'],
      usage['prompt_cache_hit_tokens'],
      usage['cached_tokens'],
    ) ?? 0
  );
}

interface InputSplit {
  readonly input: number;
  readonly cachedCount: number;
  readonly details: LooseObject;
}

/**
 * Splits the input. Details larger than what is left of the total are cut; where cached and modal counts overlap, the
 * overlap is cached media.
 */
function splitInput(vector: MutableUsage, { input, cachedCount, details }: InputSplit): void {
  const cached = Math.min(cachedCount, input);
  const written = Math.min(countOf(details['cache_write_tokens']) ?? 0, input - cached);
  let fresh = input - cached - written;
  const take = (count: number | null): number => {
    const taken = Math.min(count ?? 0, fresh);
    fresh -= taken;
    return taken;
  };
  const audioCount = countOf(details['audio_tokens']) ?? 0;
  const audio = take(audioCount);
  const audioCached = Math.min(audioCount - audio, cached);
  const image = take(countOf(details['image_tokens']));
  const video = take(countOf(details['video_tokens']));
  if (fresh > 0) vector.input_text_tokens = fresh;
  if (audio > 0) vector.input_audio_tokens = audio;
  if (image > 0) vector.input_image_tokens = image;
  if (video > 0) vector.input_video_tokens = video;
  if (cached > audioCached) vector.cache_read_tokens = cached - audioCached;
  if (audioCached > 0) vector.cache_read_audio_tokens = audioCached;
  if (written > 0) vector.cache_write_tokens = written;
}

function splitOutput(vector: MutableUsage, output: number, details: LooseObject): void {
  let rest = output;
  const take = (value: unknown): number => {
    const taken = Math.min(countOf(value) ?? 0, rest);
    rest -= taken;
    return taken;
  };
  const reasoning = take(details['reasoning_tokens']);
  const audio = take(details['audio_tokens']);
  const image = take(details['image_tokens']);
  if (reasoning > 0) vector.reasoning_tokens = reasoning;
  if (audio > 0) vector.output_audio_tokens = audio;
  if (image > 0) vector.output_image_tokens = image;
  if (rest > 0) vector.output_text_tokens = rest;
}

/** Searches that the server ran: OpenRouter's `server_tool_use_details`, Perplexity's `num_search_queries`. */
function searchesOf(usage: LooseObject): number {
  return (
    firstCount(
      objectOf(usage['server_tool_use_details'])['web_search_requests'],
      objectOf(usage['server_tool_use'])['web_search_requests'],
      usage['num_search_queries'],
    ) ?? 0
  );
}

/**
 * The usage vector of a `usage` object, or null when there is none, it holds no counts, or all counts are zero
 * (no call has an empty prompt: such a block is a placeholder).
 *
 * The token classes sum to the provider's total; negative and absurd counts are clamped, never credited.
 */
export function usageVector(
  usage: unknown,
  besideTotal: UsageBesideTotal = {},
): UsageVector | null {
  if (!isObject(usage)) return null;
  const outputDetails = objectOf(
    usage['completion_tokens_details'] ?? usage['output_tokens_details'],
  );
  const details = objectOf(usage['prompt_tokens_details'] ?? usage['input_tokens_details']);
  const cachedCount = cachedOf(usage, details);
  const sides = sidesOf(usage, {
    reasoning: countOf(outputDetails['reasoning_tokens']) ?? 0,
    audioInput: countOf(details['audio_tokens']) ?? 0,
    cached: cachedCount,
  });
  if (sides === null || (sides.input === 0 && sides.output === 0)) return null;
  const vector: MutableUsage = {};
  splitInput(vector, { input: sides.input, cachedCount, details });
  splitOutput(vector, sides.output, outputDetails);
  for (const member in besideTotal) {
    const unit = besideTotal[member];
    if (unit !== undefined) add(vector, unit, countOf(usage[member]) ?? 0);
  }
  add(vector, 'web_searches', searchesOf(usage));
  return vector;
}

/** Usage of a whole answer or a stream frame; Groq also says it as `x_groq.usage`. */
export function usageOfFrame(
  frame: LooseObject,
  besideTotal: UsageBesideTotal = {},
): UsageVector | null {
  return (
    usageVector(frame['usage'], besideTotal) ??
    usageVector(objectOf(frame['x_groq'])['usage'], besideTotal)
  );
}
