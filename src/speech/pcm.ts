/**
 * Sound as numbers: out of a WAV file, at another rate, and back.
 *
 * @module
 */

/** One channel of 16-bit samples. */
export interface Pcm {
  readonly samples: Int16Array;
  readonly rate: number;
}

const WAV_HEADER_BYTES = 44;

/**
 * Reads a WAV file of 16-bit samples in one channel (RFC 2361 format 1).
 *
 * @throws Error for any other file
 */
export function pcmOfWav(wav: Buffer): Pcm {
  if (wav.toString('latin1', 0, 4) !== 'RIFF' || wav.toString('latin1', 8, 12) !== 'WAVE') {
    throw new Error('not a WAV file');
  }
  let rate = 0;
  for (let at = 12; at + 8 <= wav.length;) {
    const name = wav.toString('latin1', at, at + 4);
    const size = wav.readUInt32LE(at + 4);
    const start = at + 8;
    if (name === 'fmt ') {
      const [format, channels, bits] = [
        wav.readUInt16LE(start),
        wav.readUInt16LE(start + 2),
        wav.readUInt16LE(start + 14),
      ];
      if (format !== 1 || channels !== 1 || bits !== 16) {
        throw new Error('not 16-bit samples in one channel');
      }
      rate = wav.readUInt32LE(start + 4);
    }
    if (name === 'data' && rate > 0) {
      const end = Math.min(wav.length, start + size);
      const samples = new Int16Array(Math.floor((end - start) / 2));
      for (let index = 0; index < samples.length; index += 1) {
        samples[index] = wav.readInt16LE(start + index * 2);
      }
      return { samples, rate };
    }
    at = start + size + (size % 2);
  }
  throw new Error('a WAV file without samples');
}

/** The same sound at another rate, by straight lines between samples: enough for speech that is made of less. */
export function resampled({ samples, rate }: Pcm, wantedRate: number): Pcm {
  if (rate === wantedRate || samples.length === 0) return { samples, rate: wantedRate };
  const length = Math.max(1, Math.floor((samples.length * wantedRate) / rate));
  const made = new Int16Array(length);
  for (let index = 0; index < length; index += 1) {
    const position = (index * rate) / wantedRate;
    const left = Math.floor(position);
    const before = samples[left] ?? 0;
    const after = samples[left + 1] ?? before;
    made[index] = Math.round(before + (after - before) * (position - left));
  }
  return { samples: made, rate: wantedRate };
}

/** The samples alone, little endian. */
export function bytesOfPcm({ samples }: Pcm): Buffer {
  const bytes = Buffer.alloc(samples.length * 2);
  for (const [index, sample] of samples.entries()) bytes.writeInt16LE(sample, index * 2);
  return bytes;
}

/** A WAV file of them. */
export function wavOfPcm(pcm: Pcm): Buffer {
  const data = bytesOfPcm(pcm);
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(36 + data.length, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(pcm.rate, 24);
  header.writeUInt32LE(pcm.rate * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(data.length, 40);
  return Buffer.concat([header, data]);
}
