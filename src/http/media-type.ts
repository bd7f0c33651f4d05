/**
 * What a file is, by its first bytes. What a sender says of it is no evidence.
 *
 * Signatures: PNG (RFC 2083 §3.1), JPEG (ITU T.81 B.1.1.3), GIF (GIF89a §17), WebP and WAV (RIFF), MP3 (ID3 or a frame
 * header of layer III, ISO 11172-3 §2.4.1.3), ADTS (ISO 13818-7), FLAC (RFC 9639 §6), Ogg (RFC 3533 §6), Matroska and
 * WebM (RFC 8794), ISO base media (ISO 14496-12 §4.3).
 *
 * @module
 */

function hasText(bytes: Uint8Array, at: number, text: string): boolean {
  if (bytes.length < at + text.length) return false;
  for (let index = 0; index < text.length; index += 1) {
    if (bytes[at + index] !== text.charCodeAt(index)) return false;
  }
  return true;
}

function riffType(bytes: Uint8Array): string | null {
  if (hasText(bytes, 8, 'WEBP')) return 'image/webp';
  return hasText(bytes, 8, 'WAVE') ? 'audio/wav' : null;
}

function isoType(bytes: Uint8Array): string {
  if (hasText(bytes, 8, 'avif')) return 'image/avif';
  if (hasText(bytes, 8, 'heic')) return 'image/heic';
  return hasText(bytes, 8, 'M4A') ? 'audio/mp4' : 'video/mp4';
}

/** Two bytes that begin a frame of MPEG audio: eleven bits of ones, then version and layer. */
function frameType(first: number, second: number): string | null {
  if (first !== 0xff || (second & 0xe0) !== 0xe0) return null;
  const layer = (second >> 1) & 3;
  if ((second & 0xf6) === 0xf0) return 'audio/aac';
  return layer === 1 || layer === 2 ? 'audio/mpeg' : null;
}

/** The media type that the content shows; null for anything that is not one of the forms above. */
export function mediaTypeOf(bytes: Uint8Array): string | null {
  const [first = 0, second = 0, third = 0, fourth = 0] = bytes;
  if (hasText(bytes, 0, '\u0089PNG\r\n\u001a\n')) return 'image/png';
  if (first === 0xff && second === 0xd8 && third === 0xff) return 'image/jpeg';
  if (hasText(bytes, 0, 'GIF8')) return 'image/gif';
  if (hasText(bytes, 0, 'RIFF')) return riffType(bytes);
  if (hasText(bytes, 0, 'ID3')) return 'audio/mpeg';
  if (hasText(bytes, 0, 'fLaC')) return 'audio/flac';
  if (hasText(bytes, 0, 'OggS')) return 'audio/ogg';
  if (first === 0x1a && second === 0x45 && third === 0xdf && fourth === 0xa3) return 'video/webm';
  if (hasText(bytes, 4, 'ftyp')) return isoType(bytes);
  return frameType(first, second);
}
