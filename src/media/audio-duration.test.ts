import { expect, test } from 'vitest';
import { silentMp3, tonePcm, wavOf } from '../simulators/media/sound.ts';
import { measureAudio } from './audio-duration.ts';

test('a WAV is as long as its header and its bytes say', async () => {
  expect(await measureAudio(wavOf(tonePcm(2500, 'x')), 'audio/wav')).toBe(2500);
});

test('an MP3 without a table is counted frame by frame', async () => {
  // 39 frames of 1152 samples at 44.1 kHz.
  expect(await measureAudio(silentMp3(1000), 'audio/mpeg')).toBe(1019);
});

test.each([
  ['nothing', Buffer.alloc(0), 'audio/wav'],
  ['a header alone', wavOf(Buffer.alloc(0)), 'audio/wav'],
  ['text', Buffer.from('no sound at all'), 'audio/mpeg'],
])('%s has no length, and none is guessed', async (_what, bytes, type) => {
  expect(await measureAudio(bytes, type)).toBeNull();
});
