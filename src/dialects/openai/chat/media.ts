/**
 * How much the media of a chat request may count, and about how much they do.
 *
 * @module
 */
import { NO_MEDIA, type RequestMedia } from '../../../gateway/text-call.ts';
import type { ChatRequest } from './schema.ts';

/**
 * Most tokens one image is counted as by a provider: 2,833 + 5,667 a tile at 6 tiles, as OpenAI documents for
 * gpt-4o-mini (https://platform.openai.com/docs/guides/images-vision#calculating-costs); others count less.
 */
const IMAGE_TOKENS_MAX = 36_835;

/** What an image counts as a rule: 765 for a square of 1,024 pixels at OpenAI, 258 to 1,290 at Gemini. */
const IMAGE_TOKENS_TYPICAL = 1000;
/** Base64 of compressed sound and of documents for each token of theirs, roughly; for estimates alone. */
const BASE64_BYTES_PER_TOKEN = 1000;

type Part = Readonly<Record<string, unknown>>;

function textAt(part: Part, member: string, key: string): string {
  const value = part[member];
  if (typeof value !== 'object' || value === null || !(key in value)) return '';
  const text = (value as Record<string, unknown>)[key];
  return typeof text === 'string' ? text : '';
}

type Counts = { -readonly [Member in keyof RequestMedia]: RequestMedia[Member] };

function addImage(counts: Counts, url: string): void {
  counts.expectedTokens += IMAGE_TOKENS_TYPICAL;
  if (counts.tokensMax !== null) counts.tokensMax += IMAGE_TOKENS_MAX;
  if (!/^data:image\//i.test(url)) return;
  counts.imageBytes += url.length;
  counts.bytes += url.length;
}

function addInline(counts: Counts, data: string): void {
  counts.bytes += data.length;
  counts.expectedTokens += Math.ceil(data.length / BASE64_BYTES_PER_TOKEN);
}

function addPart(counts: Counts, part: Part): void {
  switch (part['type']) {
    case 'text':
    case 'refusal':
      return;
    case 'image_url':
      addImage(counts, textAt(part, 'image_url', 'url'));
      return;
    case 'input_audio':
      // Sound has fewer tokens than bytes, which are counted.
      addInline(counts, textAt(part, 'input_audio', 'data'));
      return;
    case 'file': {
      const data = textAt(part, 'file', 'file_data');
      if (data !== '' && !data.startsWith('data:')) counts.tokensMax = null;
      else if (counts.tokensMax !== null) counts.tokensMax += IMAGE_TOKENS_MAX;
      if (data.startsWith('data:')) addInline(counts, data);
      else counts.expectedTokens += IMAGE_TOKENS_TYPICAL;
      return;
    }
    default:
      counts.expectedTokens += IMAGE_TOKENS_TYPICAL;
      counts.tokensMax = null;
  }
}

/** Counts the parts of every message that has any. */
export function mediaOf(request: ChatRequest): RequestMedia {
  let counts: Counts | null = null;
  for (const { content } of request.messages) {
    if (!Array.isArray(content)) continue;
    counts ??= { ...NO_MEDIA };
    for (const part of content) addPart(counts, part);
  }
  return counts ?? NO_MEDIA;
}
