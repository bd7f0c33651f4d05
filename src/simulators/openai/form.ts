/**
 * Reading of `multipart/form-data` (RFC 7578), for simulated servers that take files.
 *
 * @module
 */
import type { SimulatedCall } from '../core/family.ts';

export interface SimulatedPart {
  readonly name: string;
  readonly fileName: string | null;
  readonly type: string | null;
  readonly bytes: Buffer;
}

const HEAD_END = Buffer.from('\r\n\r\n');

function partOf(piece: Buffer): SimulatedPart | null {
  const end = piece.indexOf(HEAD_END);
  if (end < 0) return null;
  const head = piece.toString('utf8', 0, end);
  const name = /name="([^"]*)"/i.exec(head)?.[1];
  if (name === undefined) return null;
  return {
    name,
    fileName: /filename="([^"]*)"/i.exec(head)?.[1] ?? null,
    type: /content-type:\s*([^\r\n]+)/i.exec(head)?.[1] ?? null,
    // The line end before the next delimiter belongs to the delimiter.
    bytes: piece.subarray(end + HEAD_END.length, piece.length - 2),
  };
}

/** The parts of a call's form; none where it is no form, or has no closing delimiter. */
export function partsOf(call: SimulatedCall): readonly SimulatedPart[] {
  const type = call.headers['content-type'] ?? '';
  const boundary = /boundary="?([^";]+)/i.exec(type)?.[1];
  if (boundary === undefined) return [];
  const delimiter = Buffer.from(`--${boundary}`);
  const parts: SimulatedPart[] = [];
  let from = call.body.indexOf(delimiter);
  while (from >= 0) {
    const start = from + delimiter.length;
    if (call.body.toString('latin1', start, start + 2) === '--') return parts;
    const next = call.body.indexOf(delimiter, start);
    if (next < 0) return [];
    const part = partOf(call.body.subarray(start, next));
    if (part !== null) parts.push(part);
    from = next;
  }
  return [];
}

/** The text of the first part of that name. */
export function fieldOf(parts: readonly SimulatedPart[], name: string): string | null {
  const part = parts.find((one) => one.name === name && one.fileName === null);
  return part === undefined ? null : part.bytes.toString('utf8');
}
