/**
 * What bytes are, told by the bytes: a name or a content type that somebody sent is never believed.
 *
 * @module
 */
import { open } from 'node:fs/promises';
import { fileTypeFromBuffer } from 'file-type';

/** The kinds of media there are. */
export const MEDIA_KINDS = ['image', 'audio', 'video'] as const;
export type MediaKind = (typeof MEDIA_KINDS)[number];

/** Media that is stored, by the type it is served as. What is not here, such as SVG and HTML, is not taken. */
const MEDIA_TYPES: Readonly<Record<string, MediaKind>> = {
  'image/png': 'image',
  'image/apng': 'image',
  'image/jpeg': 'image',
  'image/webp': 'image',
  'image/gif': 'image',
  'image/avif': 'image',
  'image/heic': 'image',
  'image/heif': 'image',
  'image/bmp': 'image',
  'image/tiff': 'image',
  'audio/wav': 'audio',
  'audio/mpeg': 'audio',
  'audio/ogg': 'audio',
  'audio/flac': 'audio',
  'audio/aac': 'audio',
  'audio/mp4': 'audio',
  'audio/aiff': 'audio',
  'audio/amr': 'audio',
  'video/mp4': 'video',
  'video/webm': 'video',
  'video/quicktime': 'video',
  'video/x-matroska': 'video',
  'video/ogg': 'video',
  'video/mpeg': 'video',
};

/** Other names of the same thing, as the sniffer and clients write them. */
const ALIASES: Readonly<Record<string, string>> = {
  'image/jpg': 'image/jpeg',
  'image/pjpeg': 'image/jpeg',
  'image/x-png': 'image/png',
  'image/x-ms-bmp': 'image/bmp',
  'image/tif': 'image/tiff',
  'image/heic-sequence': 'image/heic',
  'image/heif-sequence': 'image/heif',
  'audio/mp3': 'audio/mpeg',
  'audio/mpeg3': 'audio/mpeg',
  'audio/mpga': 'audio/mpeg',
  'audio/x-mp3': 'audio/mpeg',
  'audio/x-wav': 'audio/wav',
  'audio/wave': 'audio/wav',
  'audio/vnd.wave': 'audio/wav',
  'audio/x-flac': 'audio/flac',
  'audio/aacp': 'audio/aac',
  'audio/x-aac': 'audio/aac',
  'audio/m4a': 'audio/mp4',
  'audio/x-m4a': 'audio/mp4',
  'audio/x-m4b': 'audio/mp4',
  'audio/opus': 'audio/ogg',
  'application/ogg': 'audio/ogg',
  'audio/x-aiff': 'audio/aiff',
  'video/matroska': 'video/x-matroska',
  'video/x-m4v': 'video/mp4',
  'video/mov': 'video/quicktime',
};

/**
 * Types that share a container: which of them a file is, headers alone do not always tell, so either name is taken for
 * the other.
 */
const CONTAINERS: readonly (readonly string[])[] = [
  ['image/png', 'image/apng'],
  ['image/heic', 'image/heif', 'image/avif'],
  ['audio/ogg', 'video/ogg'],
  ['audio/mp4', 'audio/aac', 'video/mp4', 'video/quicktime'],
  ['audio/webm', 'audio/x-matroska', 'video/webm', 'video/x-matroska'],
  ['audio/mpeg', 'video/mpeg'],
];

/** The usual name of a media type, without parameters, in lower case. */
export function canonicalType(type: string): string {
  const bare = (type.split(';')[0] ?? '').trim().toLowerCase();
  return ALIASES[bare] ?? bare;
}

/** Kind of a stored type; null for one that is never stored. */
export function kindOf(type: string): MediaKind | null {
  return Object.hasOwn(MEDIA_TYPES, type) ? (MEDIA_TYPES[type] ?? null) : null;
}

/** Whether a type that somebody claimed can be that of bytes which were sniffed as `sniffed`. */
export function agrees(claimed: string, sniffed: string): boolean {
  const wanted = canonicalType(claimed);
  if (wanted === sniffed) return true;
  return CONTAINERS.some((types) => types.includes(wanted) && types.includes(sniffed));
}

/** Extensions that file names of these types end with. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  'image/png': 'png',
  'image/apng': 'png',
  'image/jpeg': 'jpg',
  'image/webp': 'webp',
  'image/gif': 'gif',
  'image/avif': 'avif',
  'image/heic': 'heic',
  'image/heif': 'heif',
  'image/bmp': 'bmp',
  'image/tiff': 'tiff',
  'audio/wav': 'wav',
  'audio/mpeg': 'mp3',
  'audio/ogg': 'ogg',
  'audio/flac': 'flac',
  'audio/aac': 'aac',
  'audio/mp4': 'm4a',
  'audio/aiff': 'aiff',
  'audio/amr': 'amr',
  'video/mp4': 'mp4',
  'video/webm': 'webm',
  'video/quicktime': 'mov',
  'video/x-matroska': 'mkv',
  'video/ogg': 'ogv',
  'video/mpeg': 'mpg',
};

/** `png` of `image/png`; `bin` of what is not stored. */
export function extensionOf(type: string): string {
  return EXTENSIONS[type] ?? 'bin';
}

/** Enough for every signature, and a bound on what a hostile file can make the sniffer read. */
const HEAD_BYTES = 64 * 1024;

/** Reads the beginning of a file. */
export async function readHead(path: string, bytes: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const head = Buffer.alloc(bytes);
    const { bytesRead } = await file.read(head, 0, bytes, 0);
    return head.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

/** The type of bytes by their beginning; null for all that is no media. */
export async function sniffBytes(head: Uint8Array): Promise<string | null> {
  const found = await fileTypeFromBuffer(head.subarray(0, HEAD_BYTES));
  if (found === undefined) return null;
  const type = canonicalType(found.mime);
  return kindOf(type) === null ? null : type;
}

/** The type of a file's bytes; null for all that is no media. */
export async function sniffFile(path: string): Promise<string | null> {
  return sniffBytes(await readHead(path, HEAD_BYTES));
}
