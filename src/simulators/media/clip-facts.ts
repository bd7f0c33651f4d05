/**
 * Size and length of an MP4 by its headers (ISO/IEC 14496-12 §8.2.2, §8.3.2), as clients of simulated servers send them.
 *
 * @module
 */

export interface ClipFacts {
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
}

/** The body of the first box of that type, wherever it lies; null without one. */
function bodyOf(bytes: Buffer, type: string): Buffer | null {
  const at = bytes.indexOf(type, 0, 'latin1');
  if (at < 4) return null;
  const length = bytes.readUInt32BE(at - 4);
  return length < 8 || at - 4 + length > bytes.length
    ? null
    : bytes.subarray(at + 4, at - 4 + length);
}

function durationOf(movie: Buffer): number {
  const isLong = movie.readUInt8(0) === 1;
  const scale = movie.readUInt32BE(isLong ? 20 : 12);
  const units = isLong ? Number(movie.readBigUInt64BE(24)) : movie.readUInt32BE(16);
  return Math.round((units / Math.max(1, scale)) * 1000);
}

/** Null for any other file, and for one that is broken. */
export function clipFacts(bytes: Buffer): ClipFacts | null {
  const movie = bodyOf(bytes, 'mvhd');
  const track = bodyOf(bytes, 'tkhd');
  if (movie === null || track === null || movie.length < 32 || track.length < 84) return null;
  const width = track.readUInt32BE(track.length - 8) / 65_536;
  const height = track.readUInt32BE(track.length - 4) / 65_536;
  return { width, height, durationMs: durationOf(movie) };
}
