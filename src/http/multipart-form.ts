/**
 * Writes `multipart/form-data` bodies (RFC 7578).
 *
 * @module
 */

/** One part: text, or a file. */
export type FormPart =
  | { readonly name: string; readonly text: string }
  | {
      readonly name: string;
      readonly bytes: Buffer;
      readonly fileName: string;
      readonly mediaType: string;
    };

const BOUNDARY = 'alwrity-gateway-form';
const LINE = Buffer.from('\r\n');

/** Names and file names as browsers write them (WHATWG HTML §4.10.22.8). */
function quoted(text: string): string {
  return text.replace(/"/g, '%22').replace(/\r/g, '%0D').replace(/\n/g, '%0A');
}

function contentOf(part: FormPart): Buffer {
  return 'text' in part ? Buffer.from(part.text) : part.bytes;
}

/** A boundary that stands in none of the parts; no randomness, so that equal forms are equal bytes. */
function boundaryFor(parts: readonly FormPart[]): string {
  for (let count = 0; ; count += 1) {
    const boundary = `${BOUNDARY}-${count}`;
    if (!parts.some((part) => contentOf(part).includes(boundary))) return boundary;
  }
}

function headOf(part: FormPart): string {
  const disposition = `content-disposition: form-data; name="${quoted(part.name)}"`;
  if ('text' in part) return `${disposition}\r\n\r\n`;
  return `${disposition}; filename="${quoted(part.fileName)}"\r\ncontent-type: ${part.mediaType}\r\n\r\n`;
}

/** The body, and the `content-type` that it is sent under. */
export function encodeForm(parts: readonly FormPart[]): {
  readonly body: Buffer;
  readonly contentType: string;
} {
  const boundary = boundaryFor(parts);
  const pieces: Buffer[] = [];
  for (const part of parts) {
    pieces.push(Buffer.from(`--${boundary}\r\n${headOf(part)}`), contentOf(part), LINE);
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`));
  return {
    body: Buffer.concat(pieces),
    contentType: `multipart/form-data; boundary=${boundary}`,
  };
}
