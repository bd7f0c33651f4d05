/**
 * How long a clip is, out of the movie header of an MP4 or QuickTime file (ISO/IEC 14496-12, 8.2.2): one without sound has no other
 * place that says so.
 *
 * @module
 */

/** A box begins with its length and its type; a length of 1 is followed by one of eight bytes, 0 goes to the end of the file. */
const BOX_HEADER_BYTES = 8;
const LARGE_HEADER_BYTES = 16;

interface Box {
  readonly type: string;
  readonly start: number;
  readonly end: number;
}

function* boxesOf(bytes: Buffer, from: number, to: number): Generator<Box> {
  for (let at = from; at + BOX_HEADER_BYTES <= to;) {
    const short = bytes.readUInt32BE(at);
    const isLarge = short === 1;
    if (isLarge && at + LARGE_HEADER_BYTES > to) return;
    const size = isLarge
      ? Number(bytes.readBigUInt64BE(at + BOX_HEADER_BYTES))
      : short === 0
        ? to - at
        : short;
    const header = isLarge ? LARGE_HEADER_BYTES : BOX_HEADER_BYTES;
    if (size < header || at + size > to) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), start: at + header, end: at + size };
    at += size;
  }
}

function boxIn(bytes: Buffer, type: string, within: Pick<Box, 'start' | 'end'>): Box | null {
  for (const box of boxesOf(bytes, within.start, within.end)) if (box.type === type) return box;
  return null;
}

/** Milliseconds, rounded up; null where the file is none, or does not say. */
export function mp4DurationMs(bytes: Buffer): number | null {
  const movie = boxIn(bytes, 'moov', { start: 0, end: bytes.length });
  const header = movie === null ? null : boxIn(bytes, 'mvhd', movie);
  if (header === null || header.end - header.start < 20) return null;
  // Version 1 has times and length in eight bytes each.
  const isLong = bytes.readUInt8(header.start) === 1;
  if (isLong && header.end - header.start < 32) return null;
  const scaleAt = header.start + (isLong ? 20 : 12);
  const scale = bytes.readUInt32BE(scaleAt);
  const length = isLong
    ? bytes.readBigUInt64BE(scaleAt + 4)
    : BigInt(bytes.readUInt32BE(scaleAt + 4));
  // All ones: not known.
  const isUnknown = length === (isLong ? 0xffff_ffff_ffff_ffffn : 0xffff_ffffn);
  if (scale === 0 || length === 0n || isUnknown) return null;
  const milliseconds = (length * 1000n + BigInt(scale) - 1n) / BigInt(scale);
  return milliseconds > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(milliseconds);
}
