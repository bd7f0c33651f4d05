/**
 * Media of a message → `inlineData` or `fileData`.
 * https://ai.google.dev/gemini-api/docs/file-input-methods
 *
 * @module
 */
import type { InputPart, MediaSource } from '../../contracts/text.ts';
import { isAtLeast, VERSION_SEGMENT } from './model.ts';
import type { WarningList } from './warnings.ts';
import type { GeminiPart } from './wire-types.ts';

export type MediaPart = Exclude<InputPart, { type: 'text' }>;

/** Origin in the addresses of uploaded files, whatever host the gateway reaches Gemini through. */
export const GEMINI_ORIGIN = 'https://generativelanguage.googleapis.com';

/** Types of files by the end of their path, for addresses that come without one. */
const TYPE_BY_EXTENSION: ReadonlyMap<string, string> = new Map([
  ['png', 'image/png'],
  ['jpg', 'image/jpeg'],
  ['jpeg', 'image/jpeg'],
  ['webp', 'image/webp'],
  ['gif', 'image/gif'],
  ['heic', 'image/heic'],
  ['heif', 'image/heif'],
  ['pdf', 'application/pdf'],
  ['txt', 'text/plain'],
  ['html', 'text/html'],
  ['csv', 'text/csv'],
  ['mp3', 'audio/mpeg'],
  ['wav', 'audio/wav'],
  ['aac', 'audio/aac'],
  ['ogg', 'audio/ogg'],
  ['flac', 'audio/flac'],
  ['aiff', 'audio/aiff'],
  ['mp4', 'video/mp4'],
  ['mov', 'video/quicktime'],
  ['webm', 'video/webm'],
  ['mpeg', 'video/mpeg'],
]);

function typeByExtension(url: string): string | undefined {
  const path = url.split(/[?#]/, 1)[0] ?? '';
  const extension = /\.([A-Za-z0-9]{1,5})$/.exec(path)?.[1]?.toLowerCase();
  return extension === undefined ? undefined : TYPE_BY_EXTENSION.get(extension);
}

function fileData(fileUri: string, mimeType: string | undefined): GeminiPart {
  return { fileData: mimeType === undefined ? { fileUri } : { mimeType, fileUri } };
}

function inlineOfDataUrl(url: string): GeminiPart | null {
  const found = /^data:([^,]*?)(;base64)?,/i.exec(url);
  if (found === null) return null;
  const rest = url.slice(found[0].length);
  const data =
    found[2] === undefined
      ? Buffer.from(decodeURIComponent(rest), 'utf8').toString('base64')
      : rest;
  return { inlineData: { mimeType: found[1] === '' ? 'text/plain' : (found[1] ?? ''), data } };
}

/** An uploaded file is named by its address; `files/<id>` and the bare id are short for it. */
function uriOfFile(id: string): string {
  if (id.includes('://')) return id;
  const name = id.startsWith('files/') ? id : `files/${id}`;
  return `${GEMINI_ORIGIN}${VERSION_SEGMENT}/${name}`;
}

function partOfSource(source: MediaSource): GeminiPart {
  switch (source.kind) {
    case 'data':
      return { inlineData: { mimeType: source.mimeType, data: source.base64 } };
    case 'url':
      return (
        inlineOfDataUrl(source.url) ??
        fileData(source.url, source.mimeType ?? typeByExtension(source.url))
      );
    case 'provider-file':
      return fileData(uriOfFile(source.id), source.mimeType);
  }
}

/** `detail` is a resolution of the part from Gemini 3 on. */
function resolutionOf(detail: string, model: string, warnings: WarningList): GeminiPart {
  const known = detail === 'low' || detail === 'high';
  if (known && isAtLeast(model, 3)) {
    return { mediaResolution: { level: `MEDIA_RESOLUTION_${detail.toUpperCase()}` } };
  }
  if (detail !== 'auto')
    warnings.dropped('messages.image.detail', `no resolution for ${detail} on this model`);
  return {};
}

/** The part of the wire that carries a medium. */
export function toMediaPart(part: MediaPart, model: string, warnings: WarningList): GeminiPart {
  const wire = partOfSource(part.source);
  if (part.type === 'image' && part.detail !== undefined) {
    return { ...wire, ...resolutionOf(part.detail, model, warnings) };
  }
  if (part.type === 'file' && part.filename !== undefined) {
    warnings.dropped('messages.file.filename', 'Gemini takes no names of files');
  }
  return wire;
}
