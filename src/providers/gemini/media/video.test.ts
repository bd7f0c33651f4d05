/**
 * Veo: what is asked for, what its operation may say, and where the clip lies.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type { VideoOptions } from '../../../contracts/video-provider.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import { gemini } from '../provider.ts';

const options: VideoOptions = {
  operation: 'video.text_to_video',
  prompt: 'a calm ocean wave at sunset',
  negativePrompt: null,
  image: null,
  lastImage: null,
  references: [],
  video: null,
  audio: null,
  seconds: null,
  size: null,
  resolution: null,
  aspectRatio: null,
  withAudio: null,
  targetIndex: null,
  targetGender: null,
  seed: null,
  extra: {},
};
const picture = {
  type: 'bytes',
  bytes: Buffer.from('png'),
  mediaType: 'image/png',
  fileName: 'a.png',
} as const;
const MODEL = 'veo-3.1-generate-preview';
const target = {
  model: MODEL,
  baseUrl: 'https://generativelanguage.googleapis.com',
  credential: 'secret',
  settings: {},
};

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the provider has it');
  return value;
}
const video = present(gemini.video);
const jobs = present(gemini.jobs);

function replyOf(body: object | string): WireReply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status: 200, headers: {}, body: Buffer.from(text) };
}

function start(more: Partial<VideoOptions> = {}, model = MODEL) {
  return video.start({ ...options, ...more }, { ...target, model });
}

function sent(more: Partial<VideoOptions>): unknown {
  return JSON.parse(start(more).request.body?.toString() ?? '');
}

const NAME = `models/${MODEL}/operations/umz7sqimep69`;
const ticket = { id: NAME, paths: { poll: `/v1beta/${NAME}` } };
const read = (body: object | string) => jobs.readPoll(ticket, replyOf(body));
const done = (response: object) => ({
  name: NAME,
  done: true,
  response: { generateVideoResponse: response },
});

describe('what is asked for', () => {
  test('is sent as it is named', () => {
    const asked = { seconds: 4, size: '720x1280', negativePrompt: 'people', seed: 5 };
    expect(sent(asked)).toEqual({
      instances: [{ prompt: options.prompt }],
      parameters: {
        durationSeconds: 4,
        resolution: '720p',
        aspectRatio: '9:16',
        negativePrompt: 'people',
        seed: 5,
      },
    });
    expect(start(asked).request).toMatchObject({
      path: `/v1beta/models/${MODEL}:predictLongRunning`,
      headers: { 'x-goog-api-key': 'secret' },
    });
  });

  test('has pictures where the operation has them', () => {
    const blob = { bytesBase64Encoded: 'cG5n', mimeType: 'image/png' };
    const operation = 'video.image_to_video';
    expect(sent({ operation, image: picture, lastImage: picture })).toMatchObject({
      instances: [{ image: blob, lastFrame: blob }],
    });
    expect(sent({ operation, references: [picture] })).toMatchObject({
      instances: [{ referenceImages: [{ image: blob, referenceType: 'asset' }] }],
    });
  });

  test.each([
    [{}, 8000, { resolution: '720p' }],
    [{ seconds: 6 }, 6000, { resolution: '720p' }],
    [{ size: '1920x1080' }, 8000, { resolution: '1080p' }],
  ])('%j is billed by its length and resolution', (more, videoMs, dimensions) => {
    const { facts } = start(more);
    expect(facts.usage).toEqual({ video_clips: 1, video_ms: videoMs });
    expect(facts.dimensions).toMatchObject(dimensions);
  });

  test('cannot be made more than it is held for by options of the caller', () => {
    expect(sent({ seconds: 4, extra: { sampleCount: 4, durationSeconds: 8, x: 1 } })).toMatchObject(
      {
        parameters: { durationSeconds: 4, x: 1 },
      },
    );
    expect(sent({ extra: { sampleCount: 4, durationSeconds: 4, resolution: '4k' } })).toEqual({
      instances: [{ prompt: options.prompt }],
      parameters: {},
    });
  });

  test('has a sound: a clip without is another', () => {
    expect(start({ withAudio: true }).warnings).toEqual([]);
  });

  test.each([
    ['with_audio', { withAudio: false }],
    ['seconds', { seconds: 5 }],
    ['seconds', { seconds: 4, resolution: '1080p' }],
    ['seconds', { seconds: 4, references: [picture], operation: 'video.image_to_video' as const }],
    ['resolution', { resolution: '480p' }],
    ['size', { size: '640x480' }],
    ['aspect_ratio', { aspectRatio: '1:1' }],
    ['image', { image: picture }],
    ['last_image', { operation: 'video.image_to_video' as const, lastImage: picture }],
    ['target_index', { targetIndex: 1 }],
    [
      'image',
      {
        operation: 'video.image_to_video' as const,
        image: { type: 'url', url: 'https://example.com/a.png', mediaType: null } as const,
      },
    ],
  ])('is refused for %s that the model has not: %j', (param, more) => {
    expect(() => start(more)).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });

  test('is of two operations', () => {
    expect(video.has('video.text_to_video', MODEL)).toBe(true);
    expect(video.has('video.image_to_video', MODEL)).toBe(true);
    expect(video.has('video.face_swap', MODEL)).toBe(false);
    expect(video.has('video.text_to_video', 'gemini-2.5-flash')).toBe(false);
  });
});

describe('an operation', () => {
  test('that was accepted is asked for by its name', () => {
    const begun = start().readStart(replyOf({ name: NAME }));
    expect(begun).toMatchObject({ type: 'accepted', ticket, reading: { type: 'pending' } });
    expect(jobs.poll(ticket, target)).toMatchObject({
      method: 'GET',
      path: `/v1beta/${NAME}`,
      headers: { 'x-goog-api-key': 'secret' },
    });
  });

  test.each([
    {},
    { name: '' },
    { name: '../../v1beta/models' },
    { name: 'models/x/operations/a/b' },
    { name: 'https://elsewhere.test/operations/a' },
  ])('that has no name is not known to run: %j', (body) => {
    expect(() => start().readStart(replyOf(body))).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'malformed_reply' }) }),
    );
  });

  test('that was refused in a 200 has failed', () => {
    const error = { code: 429, message: 'quota', status: 'RESOURCE_EXHAUSTED' };
    expect(start().readStart(replyOf({ error }))).toMatchObject({
      type: 'failed',
      failure: { kind: 'rate_limited' },
      isBilled: false,
    });
  });

  test('runs until it is done', () => {
    for (const body of [{ name: NAME }, { name: NAME, done: false, metadata: {} }]) {
      expect(read(body)).toMatchObject({ type: 'pending', stage: 'running', progress: null });
    }
  });

  test('that is done says where the clip lies; the download wants the key', () => {
    const uri = 'https://generativelanguage.googleapis.com/v1beta/files/z:download?alt=media';
    const reading = read(done({ generatedSamples: [{ video: { uri } }] }));
    expect(reading).toMatchObject({
      type: 'succeeded',
      result: { outputs: [{ url: uri, needsCredential: true }], facts: null },
    });
    expect(jobs.fetch?.(uri, target)).toMatchObject({
      method: 'GET',
      path: '/v1beta/files/z:download?alt=media',
      headers: { 'x-goog-api-key': 'secret' },
    });
    const behind = { ...target, baseUrl: 'http://127.0.0.1:1/gemini' };
    expect(jobs.fetch?.('http://127.0.0.1:1/gemini/v1beta/files/z', behind).path).toBe(
      '/v1beta/files/z',
    );
  });

  test.each([
    [{ raiMediaFilteredCount: 1, raiMediaFilteredReasons: ['Violence.'] }, 'Violence.'],
    [{ raiMediaFilteredCount: 1 }, 'withheld'],
  ])('whose clip was withheld is filtered, and not billed', (response, message) => {
    const reading = read(done(response));
    if (reading.type !== 'failed') throw new Error('it failed');
    expect(reading).toMatchObject({ failure: { kind: 'content_filtered' }, isBilled: false });
    expect(reading.failure.message).toContain(message);
  });

  test('that failed says why', () => {
    const error = { code: 13, message: 'Internal error.', status: 'INTERNAL' };
    expect(read({ name: NAME, done: true, error })).toMatchObject({
      type: 'failed',
      failure: { kind: 'server_error', message: 'Internal error.' },
    });
  });

  test.each([done({}), done({ generatedSamples: [{ video: {} }] }), '<html>', '[]'])(
    'is asked for again after a reply that says nothing: %j',
    (body) => {
      expect(() => read(body)).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ kind: 'malformed_reply' }) }),
      );
    },
  );
});
