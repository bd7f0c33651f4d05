/**
 * Data URLs (RFC 2397), decoded a piece at a time.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';

const HEAD = /^data:([^,;]{0,200})((?:;[^,;]{1,200}){0,10}?)(;base64)?,/i;
/** A multiple of four characters, so that each piece decodes by itself. */
const PIECE_CHARACTERS = 256 * 1024;
const BASE64 = /^[A-Za-z0-9+/_-]*={0,2}$/;

export interface DataUrl {
  /** As it says; null where it says nothing. */
  readonly claimedType: string | null;
  /** Of what it decodes to, or a little more. */
  readonly bytesAtMost: number;
  /** Fails with `invalid_request` at the first character that is not base64. */
  readonly bytes: AsyncIterable<Uint8Array>;
}

function refusal(param: string, reason: string): GatewayError {
  return new GatewayError('invalid_request', { message: `${param}: ${reason}`, param });
}

async function* decode(text: string, from: number, param: string): AsyncGenerator<Uint8Array> {
  for (let at = from; at < text.length; at += PIECE_CHARACTERS) {
    const piece = text.slice(at, at + PIECE_CHARACTERS);
    const isLast = at + PIECE_CHARACTERS >= text.length;
    // Node skips what is not base64, so that damage would go unseen.
    if (!BASE64.test(piece) || (!isLast && piece.endsWith('='))) {
      throw refusal(param, 'is a data URL whose base64 is damaged.');
    }
    yield Buffer.from(piece, 'base64');
  }
}

/** @throws GatewayError `invalid_request` for one that is not in base64 */
export function readDataUrl(text: string, param: string): DataUrl {
  const match = HEAD.exec(text.slice(0, 3000));
  if (match === null || match[3] === undefined) {
    throw refusal(param, 'must be a data URL in base64, such as "data:image/png;base64,…".');
  }
  const from = match[0].length;
  const type = match[1] ?? '';
  return {
    claimedType: type === '' ? null : type,
    bytesAtMost: Math.ceil((text.length - from) / 4) * 3,
    bytes: decode(text, from, param),
  };
}
