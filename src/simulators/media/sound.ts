/**
 * Sound of a length that follows from the text: a tone a word in WAV (RFC 2361 format 1) and in bare PCM, silence in MP3.
 *
 * @module
 */
import { createRandom } from '../core/random.ts';

/** Samples a second of all that is simulated. */
export const RATE = 24_000;
const BYTES_PER_SAMPLE = 2;
const MS_PER_CHARACTER = 60;
const WAV_HEADER_BYTES = 44;

/** How long it takes to say a text. */
export function speechMs(text: string, speed: number): number {
  return Math.max(100, Math.round((Array.from(text).length * MS_PER_CHARACTER) / speed));
}

/** 24 kHz, 16 bits, little endian, one channel. */
export function tonePcm(durationMs: number, seed: string): Buffer {
  const samples = Math.floor((durationMs * RATE) / 1000);
  const pcm = Buffer.alloc(samples * BYTES_PER_SAMPLE);
  const random = createRandom(seed, 'tones');
  const beat = Math.floor(RATE / 4);
  let half = 60;
  for (let at = 0; at < samples; at += 1) {
    if (at % beat === 0) half = random.integer(30, 110);
    const isGap = at % beat > beat * 0.8;
    pcm.writeInt16LE(
      isGap ? 0 : Math.floor(at / half) % 2 === 0 ? 3000 : -3000,
      at * BYTES_PER_SAMPLE,
    );
  }
  return pcm;
}

/** The same with a header. */
export function wavOf(pcm: Buffer): Buffer {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + pcm.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(RATE, 24);
  header.writeUInt32LE(RATE * BYTES_PER_SAMPLE, 28);
  header.writeUInt16LE(BYTES_PER_SAMPLE, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(pcm.length, 40);
  return Buffer.concat([header, pcm]);
}

/** Seconds of a WAV by its header; of any other file one for every 16,000 bytes. */
export function soundSeconds(bytes: Buffer): number {
  const isWav = bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.length >= WAV_HEADER_BYTES;
  if (!isWav) return bytes.length / 16_000;
  return (bytes.length - WAV_HEADER_BYTES) / Math.max(1, bytes.readUInt32LE(28));
}

/** MPEG-1 layer III, 128 kbit/s, 44.1 kHz, mono: 1152 samples in 417 bytes. All zeros behind the header are silence. */
const FRAME_HEADER = [0xff, 0xfb, 0x90, 0xc4] as const;
const FRAME_BYTES = 417;
const FRAME_MS = (1152 / 44_100) * 1000;

/** An ID3v2.3 tag that says so (https://id3.org/id3v2.3.0), for whoever looks at the file. */
function simulatedTag(): Buffer {
  const text = Buffer.from('\u0000Simulated speech', 'latin1');
  const frame = Buffer.alloc(10);
  frame.write('TIT2', 0, 'latin1');
  frame.writeUInt32BE(text.length, 4);
  const head = Buffer.from([0x49, 0x44, 0x33, 3, 0, 0, 0, 0, 0, frame.length + text.length]);
  return Buffer.concat([head, frame, text]);
}

export function silentMp3(durationMs: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.set(FRAME_HEADER);
  const count = Math.max(1, Math.ceil(durationMs / FRAME_MS));
  return Buffer.concat([simulatedTag(), ...Array.from({ length: count }, () => frame)]);
}
