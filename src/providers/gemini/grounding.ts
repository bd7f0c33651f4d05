/**
 * Sources of an answer, as Gemini reported them, and the searches it billed.
 * https://ai.google.dev/api/generate-content#GroundingMetadata
 *
 * @module
 */
import type { GroundingSource } from '../../contracts/text.ts';
import { asCount, asList, asRecord, asRecords, asText, type JsonRecord } from './json.ts';
import { isAtLeast } from './model.ts';

/** Where a part of the wire's content begins in the answer's text. */
export interface AnswerPart {
  readonly start: number;
  readonly text: string;
}

/** The text of a choice that spans refer to. */
export interface AnswerText {
  readonly text: string;
  /** By index in the wire's `parts`; empty when the answer came in several chunks, where that index means nothing. */
  readonly parts: readonly (AnswerPart | null)[];
}

interface Span {
  readonly startIndex: number;
  readonly endIndex: number;
}

interface Chunk {
  readonly url: string;
  readonly title: string | null;
}

/** A chunk without an address names no source: null keeps its place, since supports refer to it by index. */
function chunkOf(chunk: JsonRecord): Chunk | null {
  const web =
    asRecord(chunk['web']) ?? asRecord(chunk['maps']) ?? asRecord(chunk['retrievedContext']);
  const image = asRecord(chunk['image']);
  const url = asText(web?.['uri']) ?? asText(image?.['sourceUri']) ?? asText(image?.['imageUri']);
  if (url === null) return null;
  return { url, title: asText(web?.['title']) ?? asText(image?.['title']) };
}

/** Byte offsets of UTF-8 text → UTF-16 offsets; null when they are out of range. */
function toUtf16(text: string, startByte: number, endByte: number): Span | null {
  const bytes = Buffer.from(text, 'utf8');
  if (startByte >= endByte || endByte > bytes.length) return null;
  if (bytes.length === text.length) return { startIndex: startByte, endIndex: endByte };
  const startIndex = bytes.toString('utf8', 0, startByte).length;
  return { startIndex, endIndex: startIndex + bytes.toString('utf8', startByte, endByte).length };
}

/**
 * The span that a segment names. Its offsets count the bytes of one part; streams count those of the whole
 * answer. The segment repeats its text, so a span is given only where that text really stands.
 */
function spanOf(segment: JsonRecord | null, answer: AnswerText): Span | null {
  if (segment === null) return null;
  const quoted = asText(segment['text']);
  const part = answer.parts[asCount(segment['partIndex'])] ?? null;
  for (const place of [part, { start: 0, text: answer.text }]) {
    if (place === null) continue;
    const span = toUtf16(place.text, asCount(segment['startIndex']), asCount(segment['endIndex']));
    if (span === null) continue;
    if (quoted !== null && place.text.slice(span.startIndex, span.endIndex) !== quoted) continue;
    return { startIndex: span.startIndex + place.start, endIndex: span.endIndex + place.start };
  }
  return null;
}

/** Gathers what the chunks of one choice say about its sources. */
export class GroundingCollector {
  readonly #chunks: (Chunk | null)[] = [];
  readonly #supports: JsonRecord[] = [];
  readonly #citations: JsonRecord[] = [];
  readonly #queries = new Set<string>();

  /** Takes a candidate in. Later chunks of a stream list only chunks that earlier ones did not. */
  add(candidate: JsonRecord): void {
    const grounding = asRecord(candidate['groundingMetadata']);
    if (grounding !== null) {
      for (const chunk of asList(grounding['groundingChunks'])) {
        this.#chunks.push(chunkOf(asRecord(chunk) ?? {}));
      }
      this.#supports.push(...asRecords(grounding['groundingSupports']));
      for (const query of asList(grounding['webSearchQueries'])) {
        const text = asText(query);
        if (text !== null) this.#queries.add(text);
      }
    }
    const citations = asRecord(candidate['citationMetadata']);
    if (citations === null) return;
    // `citations` is Vertex's name for `citationSources`.
    this.#citations.push(...asRecords(citations['citationSources'] ?? citations['citations']));
  }

  /** Different searches that were run; empty queries are not billed. */
  get queries(): ReadonlySet<string> {
    return this.#queries;
  }

  /** Every reported source: once for each span it supports, or once without a span. */
  sources(answer: AnswerText): readonly GroundingSource[] {
    const found = new Map<string, GroundingSource>();
    const add = (chunk: Chunk, span: Span | null): void => {
      const key = JSON.stringify([chunk.url, span?.startIndex, span?.endIndex]);
      if (!found.has(key)) found.set(key, { ...chunk, ...span });
    };
    const spanned = new Set<Chunk>();
    for (const support of this.#supports) {
      const span = spanOf(asRecord(support['segment']), answer);
      if (span === null) continue;
      for (const index of asList(support['groundingChunkIndices'])) {
        const chunk = typeof index === 'number' ? this.#chunks[index] : null;
        if (chunk === null || chunk === undefined) continue;
        spanned.add(chunk);
        add(chunk, span);
      }
    }
    for (const chunk of this.#chunks) if (chunk !== null && !spanned.has(chunk)) add(chunk, null);
    for (const citation of this.#citations) {
      const url = asText(citation['uri']);
      if (url !== null) add({ url, title: asText(citation['title']) }, spanOf(citation, answer));
    }
    return [...found.values()];
  }
}

/**
 * Billable searches: from Gemini 3 on every different non-empty query, before that one for a grounded request
 * (https://ai.google.dev/gemini-api/docs/google-search, pricing). The reply has no authoritative count, so this
 * is derived from `webSearchQueries`. Unconfirmed: requests grounded in maps list their queries there too and
 * are counted alike, `imageSearchQueries` are not counted.
 */
export function billableSearches(model: string, queries: ReadonlySet<string>): number {
  return isAtLeast(model, 3) ? queries.size : Math.min(queries.size, 1);
}
