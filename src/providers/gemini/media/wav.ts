/**
 * WAV around and off raw samples (RFC 2361; the RIFF chunks of Microsoft's "Multimedia Programming Interface" 1.0).
 *
 * @module
 */

const HEADER_BYTES = 44;
const BYTES_PER_SAMPLE = 2;
/** A length that nobody knows yet: readers go on to the end of the file. */
const UNKNOWN_LENGTH = 0xff_ff_ff_ff;

/** The header of one channel of 16-bit samples. `dataBytes` null: they are still to come. */
export function wavHeader(rate: number, dataBytes: number | null): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(dataBytes === null ? UNKNOWN_LENGTH : HEADER_BYTES - 8 + dataBytes, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(rate, 24);
  header.writeUInt32LE(rate * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(BYTES_PER_SAMPLE * 8, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes ?? UNKNOWN_LENGTH, 40);
  return header;
}

/** The samples of a WAV of one channel and 16 bits, and their rate; null for anything else. */
export function wavSamples(bytes: Buffer): { readonly rate: number; readonly pcm: Buffer } | null {
  if (bytes.toString('latin1', 0, 4) !== 'RIFF' || bytes.toString('latin1', 8, 12) !== 'WAVE') {
    return null;
  }
  let rate: number | null = null;
  for (let at = 12; at + 8 <= bytes.length;) {
    const name = bytes.toString('latin1', at, at + 4);
    const length = bytes.readUInt32LE(at + 4);
    const from = at + 8;
    if (name === 'data') {
      return rate === null ? null : { rate, pcm: bytes.subarray(from, from + length) };
    }
    if (name === 'fmt ') {
      if (from + 16 > bytes.length) return null;
      const isPlain =
        bytes.readUInt16LE(from) === 1 &&
        bytes.readUInt16LE(from + 2) === 1 &&
        bytes.readUInt16LE(from + 14) === BYTES_PER_SAMPLE * 8;
      if (!isPlain) return null;
      rate = bytes.readUInt32LE(from + 4);
    }
    // Chunks begin at even places.
    at = from + length + (length % 2);
  }
  return null;
}
