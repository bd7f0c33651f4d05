/**
 * The embedded engine really speaks: files that decode, whose length follows the text, in every form that it makes.
 *
 * @module
 */
import { existsSync } from 'node:fs';
import { parseBuffer } from 'music-metadata';
import { afterAll, describe, expect, test } from 'vitest';
import { EmbeddedVoice } from './embedded-voice.ts';
import { pcmOfWav, resampled } from './pcm.ts';
import { SpeechEngine, speakable } from './speech-engine.ts';

const voice = new EmbeddedVoice();
const wish = { text: 'Good morning, dear listeners.', voice: 'alloy', speed: 1, format: 'wav' };

afterAll(() => voice.close());

async function spoken(changes: Partial<typeof wish>) {
  const file = await voice.speak({ ...wish, ...changes });
  if (file === null) throw new Error('not spoken');
  return file;
}

async function samplesOf(changes: Partial<typeof wish>): Promise<Int16Array> {
  return pcmOfWav((await spoken(changes)).bytes).samples;
}

describe('the embedded voice', () => {
  test('says a sentence in one to three seconds, neither silent nor one tone', async () => {
    const samples = await samplesOf({});
    const seconds = samples.length / 24_000;
    expect(seconds).toBeGreaterThan(1);
    expect(seconds).toBeLessThan(3);
    const values = new Set(samples);
    expect(values.size).toBeGreaterThan(1_000);
  });

  test.each([
    ['mp3', 'audio/mpeg', 'MPEG'],
    ['wav', 'audio/wav', 'WAVE'],
  ])('makes %s that decodes to the same length', async (format, type, container) => {
    const file = await spoken({ format });
    const { format: read } = await parseBuffer(file.bytes, { mimeType: type }, { duration: true });
    expect(file.type).toBe(type);
    expect(read.container).toBe(container);
    expect(read.sampleRate).toBe(24_000);
    const seconds = (await samplesOf({})).length / 24_000;
    expect(read.duration).toBeGreaterThan(seconds - 0.1);
    expect(read.duration).toBeLessThan(seconds + 0.2);
  });

  test('makes bare samples at the same rate', async () => {
    const file = await spoken({ format: 'pcm' });
    expect(file.type).toBe('audio/pcm');
    expect(file.bytes.length).toBe((await samplesOf({})).length * 2);
  });

  test('a form that it does not make is null', async () => {
    await expect(voice.speak({ ...wish, format: 'opus' })).resolves.toBeNull();
  });

  test('twice the speed is about half the length, more words are longer', async () => {
    const usual = (await samplesOf({})).length;
    const fast = (await samplesOf({ speed: 2 })).length;
    const long = (await samplesOf({ text: `${wish.text} ${wish.text}` })).length;
    expect(fast / usual).toBeGreaterThan(0.4);
    expect(fast / usual).toBeLessThan(0.65);
    expect(long).toBeGreaterThan(usual * 1.6);
  });

  test('voices differ, and the same wish is the same file', async () => {
    const [first, again, man] = await Promise.all([
      spoken({}),
      spoken({}),
      spoken({ voice: 'onyx' }),
    ]);
    expect(first.bytes.equals(again.bytes)).toBe(true);
    expect(first.bytes.equals(man.bytes)).toBe(false);
  });

  test('a text that looks like an option is spoken', async () => {
    const samples = await samplesOf({ text: '-o /tmp/alwrity-gateway-injected.wav' });
    expect(samples.length).toBeGreaterThan(24_000);
    expect(existsSync('/tmp/alwrity-gateway-injected.wav')).toBe(false);
  });

  test('a text without a word is a file, too', async () => {
    expect((await spoken({ text: '👋\u0000\n' })).bytes.length).toBeGreaterThan(44);
  });
});

describe('the engine', () => {
  test('control characters become spaces', () => {
    expect(speakable(' a\u0000b\r\n\tc\ud800 ')).toBe('a b c');
  });

  test('what waits when it is closed fails, and so does what comes later', async () => {
    const engine = new SpeechEngine();
    const waiting = engine.speak({ text: 'one', voice: 'slt', speed: 1 });
    const failed = expect(waiting).rejects.toThrow('closed');
    await engine.close();
    await failed;
    await expect(engine.speak({ text: 'two', voice: 'slt', speed: 1 })).rejects.toThrow('closed');
  });

  test('a burst beyond its queue is refused, the queue is served', async () => {
    const engine = new SpeechEngine();
    const wishes = Array.from({ length: 66 }, () =>
      engine.speak({ text: 'a', voice: 'kal', speed: 4 }),
    );
    const ends = await Promise.allSettled(wishes);
    expect(ends.filter(({ status }) => status === 'fulfilled')).toHaveLength(64);
    expect(ends.slice(64).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    await engine.close();
  });
});

describe('samples', () => {
  test('another rate keeps the length and the shape', () => {
    const samples = Int16Array.from({ length: 160 }, (_, index) => index * 100);
    const made = resampled({ samples, rate: 16_000 }, 24_000);
    expect(made.samples).toHaveLength(240);
    expect(made.samples[120]).toBe(8_000);
  });

  test.each([
    ['no WAV file', Buffer.from('OggS and more of it, long enough')],
    ['a cut one', Buffer.from('RIFF....WAVEfmt ', 'latin1')],
  ])('%s is refused', (_name, bytes) => {
    expect(() => pcmOfWav(bytes)).toThrow(/WAV/u);
  });
});
