import { expect, test } from 'vitest';
import { clipFacts } from '../media/clip-facts.ts';
import { simulatedMp4 } from '../media/mp4.ts';
import { simulatedPng } from '../media/png.ts';
import { tonePcm, wavOf } from '../media/sound.ts';
import { askedClip } from './clips.ts';

const CLIP = simulatedMp4({ width: 320, height: 180, durationMs: 5_000 }, 'sent');
const PICTURE = simulatedPng({ width: 200, height: 300 }, 'sent');
const SOUND = wavOf(tonePcm(7_000, 'sent'));
const url = (bytes: Buffer): string =>
  `data:application/octet-stream;base64,${bytes.toString('base64')}`;
const video = url(CLIP);
const image = url(PICTURE);

/** What the file itself says. */
function made(operation: string, body: Record<string, unknown>) {
  const { clip, looks, seed } = askedClip(operation, body, 'seed');
  const bytes = simulatedMp4(clip, seed, looks);
  return {
    ...clipFacts(bytes),
    hasSound: bytes.includes('soun'),
    isTransparent: bytes.includes('tRNS'),
    bytes,
  };
}

test.each([
  ['video.text_to_video', { seconds: 6, size: '640x360' }, [640, 360, 6_000]],
  ['video.text_to_video', { seconds: 2, resolution: '480p' }, [853, 480, 2_000]],
  ['video.image_to_video', { seconds: 3, image }, [200, 300, 3_000]],
  ['video.extend', { seconds: 4, video }, [320, 180, 9_000]],
  ['video.talking_avatar', { seconds: 7, image, audio: url(SOUND) }, [200, 300, 7_000]],
  ['video.face_swap', { seconds: 5, video, image }, [320, 180, 5_000]],
  ['video.upscale', { seconds: 5, video }, [640, 360, 5_000]],
  ['video.upscale', { seconds: 5, video, resolution: '720p' }, [1280, 720, 5_000]],
  ['video.remove_background', { seconds: 5, video }, [320, 180, 5_000]],
  ['video.add_sound', { seconds: 5, video }, [320, 180, 5_000]],
])('%s %#', (operation, body, [width, height, durationMs]) => {
  expect(made(operation, body)).toMatchObject({ width, height, durationMs });
});

test('what was done can be seen and heard', () => {
  const operations = [
    'video.face_swap',
    'video.upscale',
    'video.remove_background',
    'video.add_sound',
  ];
  const clips = operations.map((operation) =>
    made(operation, { video, seconds: 5, resolution: '480p' }),
  );
  expect(clips.map(({ hasSound }) => hasSound)).toEqual([false, false, false, true]);
  expect(clips.map(({ isTransparent }) => isTransparent)).toEqual([false, false, true, false]);
  expect(made('video.talking_avatar', { image, audio: url(SOUND) }).hasSound).toBe(true);
  expect(made('video.text_to_video', { with_audio: true }).hasSound).toBe(true);
});

test('another input makes another clip, the same input the same', () => {
  const other = url(simulatedMp4({ width: 320, height: 180, durationMs: 5_000 }, 'other'));
  const [first, again, second] = [video, video, other].map(
    (sent) => made('video.face_swap', { video: sent, image }).bytes,
  );
  expect(again).toEqual(first);
  expect(second).not.toEqual(first);
});

test.each([
  ['a picture', PICTURE],
  ['nothing', Buffer.alloc(0)],
  ['a broken clip', CLIP.subarray(0, 60)],
])('%s is no clip', (_what, bytes) => {
  expect(clipFacts(bytes)).toBeNull();
});
