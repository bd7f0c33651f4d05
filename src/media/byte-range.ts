/**
 * The `Range` header (RFC 9110, section 14.2) against a content of known length.
 *
 * @module
 */
import type { ByteSpan } from './blobs.ts';

export type RangeChoice =
  /** No range that is understood: the whole content is sent. */
  | { readonly type: 'whole' }
  | { readonly type: 'spans'; readonly spans: readonly [ByteSpan, ...ByteSpan[]] }
  | { readonly type: 'unsatisfiable' };

const WHOLE: RangeChoice = { type: 'whole' };
const UNSATISFIABLE: RangeChoice = { type: 'unsatisfiable' };

/** More spans than players and download managers ask for; beyond it the header is not worth following. */
const SPANS_MAX = 16;
const SPEC = /^(\d{1,15})?-(\d{1,15})?$/;

function spanOf(spec: string, size: number): ByteSpan | 'outside' | 'malformed' {
  const match = SPEC.exec(spec);
  const [first, last] = [match?.[1], match?.[2]];
  if (match === null || (first === undefined && last === undefined)) return 'malformed';
  if (first === undefined) {
    const length = Math.min(Number(last), size);
    return length === 0 ? 'outside' : { first: size - length, last: size - 1 };
  }
  if (last !== undefined && Number(last) < Number(first)) return 'malformed';
  if (Number(first) >= size) return 'outside';
  return { first: Number(first), last: Math.min(Number(last ?? size - 1), size - 1) };
}

/**
 * Which bytes are asked for. A malformed range of bytes is refused like one that lies outside; spans that together are
 * longer than the content are an attempt to be sent more than there is, and get the whole.
 */
export function chooseRange(header: string | null, size: number): RangeChoice {
  const specs = /^bytes=(.*)$/i.exec(header?.trim() ?? '')?.[1];
  if (specs === undefined) return WHOLE;
  const spans: ByteSpan[] = [];
  for (const spec of specs.split(',').slice(0, SPANS_MAX + 1)) {
    const span = spanOf(spec.trim(), size);
    if (span === 'malformed') return UNSATISFIABLE;
    if (span !== 'outside') spans.push(span);
  }
  const [head, ...rest] = spans;
  if (head === undefined) return UNSATISFIABLE;
  const total = spans.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  if (spans.length > SPANS_MAX || (rest.length > 0 && total > size)) return WHOLE;
  return { type: 'spans', spans: [head, ...rest] };
}
