/**
 * Clips that anyone can see to be simulated: one picture for the whole length, in an MP4 (ISO/IEC 14496-12) whose video
 * track holds PNG pictures (object type 0x6D of the MP4 registration authority, https://mp4ra.org/registered-types/object-types), with
 * tones beside them where it has a sound.
 *
 * @module
 */
import { simulatedPng, type PictureLooks } from './png.ts';
import { RATE as SOUND_RATE, tonePcm } from './sound.ts';

const TIMESCALE = 1000;
const FRAMES_PER_SECOND = 2;
const PNG_OBJECT_TYPE = 0x6d;
/** Unity matrix of a track or movie header. */
const MATRIX = [0x00010000, 0, 0, 0, 0x00010000, 0, 0, 0, 0x40000000];

function u32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32BE(value, at * 4));
  return bytes;
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, at) => bytes.writeUInt16BE(value, at * 2));
  return bytes;
}

function box(type: string, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([u32(8 + body.length), Buffer.from(type, 'latin1'), body]);
}

/** A descriptor of ISO/IEC 14496-1 with a length of four bytes. */
function descriptor(tag: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const { length } = body;
  const size = [
    (length >> 21) | 0x80,
    ((length >> 14) & 0x7f) | 0x80,
    ((length >> 7) & 0x7f) | 0x80,
  ];
  return Buffer.concat([Buffer.from([tag, ...size, length & 0x7f]), body]);
}

function sampleEntry(width: number, height: number): Buffer {
  const esds = box(
    'esds',
    u32(0),
    descriptor(
      3,
      Buffer.from([0, 1, 0]),
      // Visual stream, no buffer size or bit rates given.
      descriptor(4, Buffer.from([PNG_OBJECT_TYPE, 0x11, 0, 0, 0]), u32(0, 0)),
      descriptor(6, Buffer.from([2])),
    ),
  );
  return box(
    'mp4v',
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(16),
    u16(width, height),
    u32(0x00480000, 0x00480000, 0),
    u16(1),
    Buffer.alloc(32),
    u16(24, 0xffff),
    esds,
  );
}

interface Track {
  readonly width: number;
  readonly height: number;
  readonly durationMs: number;
  readonly frames: number;
  readonly pictureBytes: number;
  readonly pictureAt: number;
}

/** Every frame is the same picture: each has a chunk of its own, and all chunks lie at one place. */
function sampleTable(track: Track): Buffer {
  const { frames, durationMs, pictureBytes, pictureAt } = track;
  const each = Math.floor(durationMs / frames);
  const last = durationMs - each * (frames - 1);
  const times = frames === 1 ? u32(0, 1, 1, last) : u32(0, 2, frames - 1, each, 1, last);
  return box(
    'stbl',
    box('stsd', u32(0, 1), sampleEntry(track.width, track.height)),
    box('stts', times),
    box('stsc', u32(0, 1, 1, 1, 1)),
    box('stsz', u32(0, pictureBytes, frames)),
    box('stco', u32(0, frames), u32(...Array.from({ length: frames }, () => pictureAt))),
  );
}

const DATA_HERE = box('dinf', box('dref', u32(0, 1), box('url ', u32(1))));

function trackBox(
  head: { readonly id: number; readonly durationMs: number; readonly timescale: number },
  media: {
    readonly kind: 'vide' | 'soun';
    readonly header: Buffer;
    readonly table: Buffer;
    readonly width: number;
    readonly height: number;
  },
): Buffer {
  const { id, durationMs, timescale } = head;
  const { kind, header, table, width, height } = media;
  const tkhd = box(
    'tkhd',
    // Enabled, in the movie.
    u32(3, 0, 0, id, 0, durationMs),
    Buffer.alloc(8),
    u16(0, 0, kind === 'soun' ? 0x0100 : 0, 0),
    u32(...MATRIX, width * 65_536, height * 65_536),
  );
  const units = Math.round((durationMs * timescale) / 1000);
  const mdhd = box('mdhd', u32(0, 0, 0, timescale, units), u16(0x55c4, 0));
  const name = Buffer.from('Simulated\u0000', 'latin1');
  const hdlr = box('hdlr', u32(0, 0), Buffer.from(kind), Buffer.alloc(12), name);
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', header, DATA_HERE, table)));
}

const SAMPLE_BYTES = 2;

/** Bare samples of 16 bits, little endian (`sowt`), all in one chunk. */
function soundTable(pcm: Buffer, at: number): Buffer {
  const samples = pcm.length / SAMPLE_BYTES;
  const entry = box(
    'sowt',
    Buffer.alloc(6),
    u16(1),
    Buffer.alloc(8),
    u16(1, SAMPLE_BYTES * 8, 0, 0),
    u32(SOUND_RATE * 65_536),
  );
  return box(
    'stbl',
    box('stsd', u32(0, 1), entry),
    box('stts', u32(0, 1, samples, 1)),
    box('stsc', u32(0, 1, 1, samples, 1)),
    box('stsz', u32(0, SAMPLE_BYTES, samples)),
    box('stco', u32(0, 1, at)),
  );
}

function movie(track: Track, label: string, pcm: Buffer | null): Buffer {
  const { width, height, durationMs, pictureAt, pictureBytes } = track;
  const mvhd = box(
    'mvhd',
    u32(0, 0, 0, TIMESCALE, durationMs, 0x00010000),
    u16(0x0100, 0),
    Buffer.alloc(8),
    u32(...MATRIX),
    Buffer.alloc(24),
    u32(3),
  );
  const picture = trackBox(
    { id: 1, durationMs, timescale: TIMESCALE },
    {
      kind: 'vide',
      header: box('vmhd', u32(1), u16(0, 0, 0, 0)),
      table: sampleTable(track),
      width,
      height,
    },
  );
  const sound =
    pcm === null
      ? Buffer.alloc(0)
      : trackBox(
          { id: 2, durationMs, timescale: SOUND_RATE },
          {
            kind: 'soun',
            header: box('smhd', u32(0), u16(0, 0)),
            table: soundTable(pcm, pictureAt + pictureBytes),
            width: 0,
            height: 0,
          },
        );
  const comment = box('udta', box('cprt', u32(0), u16(0x55c4), Buffer.from(`${label}\u0000`)));
  return box('moov', mvhd, picture, sound, comment);
}

/** What a clip looks and sounds like beside its size and length. */
export interface ClipLooks extends PictureLooks {
  /** Whether it has a track with tones. */
  readonly hasSound?: boolean;
}

/** A decodable clip of exactly that size and length; equal seeds and looks give equal bytes. */
export function simulatedMp4(
  clip: { readonly width: number; readonly height: number; readonly durationMs: number },
  seed: string,
  looks: ClipLooks = {},
): Buffer {
  const { width, height } = clip;
  const durationMs = Math.max(1, Math.round(clip.durationMs));
  const picture = simulatedPng({ width, height }, seed, looks);
  const pcm = looks.hasSound === true ? tonePcm(durationMs, seed) : null;
  const ftyp = box('ftyp', Buffer.from('isom'), u32(0x200), Buffer.from('isomiso2mp41'));
  const frames = Math.max(1, Math.round((durationMs / 1000) * FRAMES_PER_SECOND));
  const track = { width, height, durationMs, frames, pictureBytes: picture.length };
  const label = `simulated ${seed.slice(0, 200)}`;
  const head = movie({ ...track, pictureAt: 0 }, label, pcm);
  const pictureAt = ftyp.length + head.length + 8;
  const data = box('mdat', picture, ...(pcm === null ? [] : [pcm]));
  return Buffer.concat([ftyp, movie({ ...track, pictureAt }, label, pcm), data]);
}
