/**
 * `usageMetadata` → disjoint usage classes.
 * https://ai.google.dev/api/generate-content#UsageMetadata
 *
 * @module
 */
import type { UsageUnit, UsageVector } from '../../contracts/usage.ts';
import { asCount, asRecord, asRecords, type JsonRecord } from './json.ts';

/** Token counts of one total by kind of media; documents and kinds unknown here count as text. */
interface Split {
  text: number;
  image: number;
  video: number;
  audio: number;
}

const KINDS = ['text', 'image', 'video', 'audio'] as const;

function kindOf(modality: unknown): keyof Split {
  if (modality === 'IMAGE') return 'image';
  if (modality === 'VIDEO') return 'video';
  return modality === 'AUDIO' ? 'audio' : 'text';
}

/** Divides a total by its details. The total wins: details beyond it are cut, what they leave open is text. */
function splitTotal(total: number, details: unknown): Split {
  const named: Split = { text: 0, image: 0, video: 0, audio: 0 };
  for (const detail of asRecords(details)) {
    named[kindOf(detail['modality'])] += asCount(detail['tokenCount']);
  }
  const audio = Math.min(named.audio, total);
  const video = Math.min(named.video, total - audio);
  const image = Math.min(named.image, total - audio - video);
  return { audio, video, image, text: total - audio - video - image };
}

/**
 * Takes the cached tokens out of the prompt's split, and returns how many of them were audio. Where the details
 * of the cache are missing or do not fit the prompt, the rest is taken from text first, then image, video, audio.
 */
function takeCached(prompt: Split, cached: number, details: unknown): number {
  const wanted = splitTotal(cached, details);
  let rest = cached;
  let audio = 0;
  const take = (kind: keyof Split, count: number): void => {
    const taken = Math.min(count, prompt[kind]);
    prompt[kind] -= taken;
    rest -= taken;
    if (kind === 'audio') audio += taken;
  };
  for (const kind of KINDS) take(kind, wanted[kind]);
  for (const kind of KINDS) take(kind, rest);
  return audio;
}

interface Totals {
  prompt: number;
  tool: number;
  candidates: number;
  thoughts: number;
}

/**
 * The four totals. `candidatesTokenCount` leaves thoughts out and `promptTokenCount` leaves tool-use prompts
 * out, so the four add up to `totalTokenCount`; where a sender counts otherwise its own total decides which
 * count holds the other one, and output that only the total knows of is booked as reasoning.
 */
function totalsOf(metadata: JsonRecord): Totals {
  const totals = {
    prompt: asCount(metadata['promptTokenCount']),
    tool: asCount(metadata['toolUsePromptTokenCount']),
    candidates: asCount(metadata['candidatesTokenCount'] ?? metadata['responseTokenCount']),
    thoughts: asCount(metadata['thoughtsTokenCount']),
  };
  const total = asCount(metadata['totalTokenCount']);
  const difference = totals.prompt + totals.tool + totals.candidates + totals.thoughts - total;
  if (total === 0 || difference === 0) return totals;
  if (difference < 0 && metadata['thoughtsTokenCount'] === undefined) totals.thoughts = -difference;
  else if (difference === totals.thoughts && totals.candidates >= totals.thoughts) {
    totals.candidates -= totals.thoughts;
  } else if (difference === totals.tool && totals.prompt >= totals.tool) {
    totals.prompt -= totals.tool;
  }
  return totals;
}

const TOTAL_MEMBERS = [
  'promptTokenCount',
  'toolUsePromptTokenCount',
  'candidatesTokenCount',
  'responseTokenCount',
  'thoughtsTokenCount',
  'totalTokenCount',
] as const;

/**
 * Reads `usageMetadata`; null when it counts nothing (Vertex sends `{trafficType}` alone on early chunks).
 * Negative, fractional and absurd counts are zero.
 *
 * @param webSearches billable searches of the answer, see `grounding.ts`
 */
export function readUsage(value: unknown, webSearches: number): UsageVector | null {
  const metadata = asRecord(value);
  if (metadata === null) return null;
  if (!TOTAL_MEMBERS.some((member) => typeof metadata[member] === 'number')) return null;
  const totals = totalsOf(metadata);
  const prompt = splitTotal(totals.prompt, metadata['promptTokensDetails']);
  const cached = Math.min(asCount(metadata['cachedContentTokenCount']), totals.prompt);
  const cachedAudio = takeCached(prompt, cached, metadata['cacheTokensDetails']);
  const tool = splitTotal(totals.tool, metadata['toolUsePromptTokensDetails']);
  const output = splitTotal(
    totals.candidates,
    metadata['candidatesTokensDetails'] ?? metadata['responseTokensDetails'],
  );
  const usage: Partial<Record<UsageUnit, number>> = {};
  const book = (unit: UsageUnit, count: number): void => {
    if (count > 0) usage[unit] = count;
  };
  book('input_text_tokens', prompt.text + tool.text);
  book('input_audio_tokens', prompt.audio + tool.audio);
  book('input_image_tokens', prompt.image + tool.image);
  book('input_video_tokens', prompt.video + tool.video);
  book('cache_read_tokens', cached - cachedAudio);
  book('cache_read_audio_tokens', cachedAudio);
  // There is no class for video output: text models make none, and video models bill by seconds.
  book('output_text_tokens', output.text + output.video);
  book('output_audio_tokens', output.audio);
  book('output_image_tokens', output.image);
  book('reasoning_tokens', totals.thoughts);
  book('web_searches', webSearches);
  return usage;
}
