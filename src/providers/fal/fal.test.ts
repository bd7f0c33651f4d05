/**
 * fal's queue: submissions, states and results as recorded, and what it must not be trusted with.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type { ProviderTicket } from '../../contracts/job-provider.ts';
import {
  bodyOf,
  CLIP,
  DATA_URL,
  EDIT,
  IMAGE,
  job,
  PICTURE,
  replyOf,
  SENT,
  targetOf,
} from '../media-samples.contract.ts';
import { fal } from './provider.ts';

const { jobs, video, imageGeneration, imageEdit, faceSwap, transcription } = fal;
const REQUEST = '/fal-ai/fast-sdxl/requests/4af3d8a1-da6c-434c-8a9d-819a6d47d733';
const AT = 'https://provider.test';
const TICKET: ProviderTicket = {
  id: '4af3d8a1-da6c-434c-8a9d-819a6d47d733',
  paths: { poll: `${REQUEST}/status`, result: REQUEST, cancel: `${REQUEST}/cancel` },
};
const RESULT: ProviderTicket = { ...TICKET, paths: { ...TICKET.paths, poll: REQUEST } };
const generated = (options: Partial<typeof IMAGE> = {}) =>
  job(imageGeneration?.generate({ ...IMAGE, ...options }, targetOf('fal-ai/flux/schnell')));
const refusal = (param: string) => expect.objectContaining({ code: 'invalid_request', param });

/** As recorded, at the address of the test. */
function queued(origin = AT) {
  return {
    status: 'IN_QUEUE',
    request_id: TICKET.id,
    response_url: `${origin}${REQUEST}`,
    status_url: `${origin}${REQUEST}/status`,
    cancel_url: `${origin}${REQUEST}/cancel`,
    logs: null,
    metrics: {},
    queue_position: 0,
  };
}

describe('submissions', () => {
  test('a picture, in its own size, several at once', () => {
    const exchange = generated({ n: 3, size: '1024x768', steps: 99, outputFormat: 'png' });
    expect(exchange.request).toMatchObject({
      method: 'POST',
      path: '/fal-ai/flux/schnell',
      headers: { authorization: 'Key key' },
    });
    expect(bodyOf(exchange)).toEqual({
      prompt: 'a lighthouse',
      num_images: 3,
      image_size: { width: 1024, height: 768 },
      num_inference_steps: 12,
      output_format: 'png',
    });
    expect(exchange.facts.usage).toEqual({ images: 3 });
    expect(() => generated({ n: 5 })).toThrow(refusal('n'));
  });

  test('a change by words, and a face', () => {
    const edited = job(imageEdit?.edit(EDIT, targetOf('fal-ai/flux-pro/kontext')));
    expect(bodyOf(edited)).toEqual({ prompt: 'a lighthouse', image_url: DATA_URL });
    const many = job(imageEdit?.edit(EDIT, targetOf('fal-ai/nano-banana-pro/edit')));
    expect(bodyOf(many)).toMatchObject({ image_urls: [DATA_URL] });
    const swapped = job(
      faceSwap?.swapFace(
        {
          image: SENT,
          faceImage: SENT,
          targetIndex: null,
          targetGender: null,
          outputFormat: null,
          extra: {},
        },
        targetOf('fal-ai/face-swap'),
      ),
    );
    expect(bodyOf(swapped)).toEqual({ base_image_url: DATA_URL, swap_image_url: DATA_URL });
  });

  test('seconds are written as each model wants them, and billed as sent', () => {
    const veo = job(video?.start({ ...CLIP, seconds: 5 }, targetOf('fal-ai/veo3.1')));
    expect(bodyOf(veo)).toMatchObject({ duration: '6s' });
    expect(veo.facts.usage).toEqual({ video_clips: 1, video_ms: 6_000 });
    const kling = targetOf('fal-ai/kling-video/v3/pro/text-to-video');
    expect(bodyOf(job(video?.start({ ...CLIP, seconds: 10 }, kling)))).toMatchObject({
      duration: '10',
    });
  });
});

describe('the queue', () => {
  test('a submission is accepted, and asked for at the addresses that fal names', () => {
    const start = generated().readStart(replyOf(queued()));
    expect(start).toMatchObject({ type: 'accepted', ticket: TICKET });
    expect(jobs?.poll(TICKET, targetOf('any'))).toMatchObject({
      method: 'GET',
      path: `${REQUEST}/status`,
    });
    expect(jobs?.cancel?.(TICKET, targetOf('any'))).toMatchObject({
      method: 'PUT',
      path: `${REQUEST}/cancel`,
    });
  });

  test.each([
    ['another origin', queued('https://elsewhere.test')],
    ['no address', { ...queued(), status_url: 'status' }],
    ['no id', { ...queued(), request_id: '../x' }],
  ])('%s is no submission', (_name, body) => {
    expect(() => generated().readStart(replyOf(body))).toThrow(/fal/u);
  });

  test.each([
    [{ status: 'IN_QUEUE', queue_position: 3 }, { stage: 'queued' }],
    [
      { status: 'IN_PROGRESS', logs: [] },
      { stage: 'running', ticket: null },
    ],
    [{ status: 'SOMETHING_NEW' }, { stage: 'running', ticket: null }],
    [
      { status: 'COMPLETED', metrics: {} },
      { stage: 'running', ticket: RESULT, waitMs: 0 },
    ],
  ])('%j is pending', (body, expected) => {
    expect(jobs?.readPoll(TICKET, replyOf(body, 202))).toMatchObject({
      type: 'pending',
      ...expected,
    });
  });

  test('pictures, as recorded, are counted by what came', () => {
    const picture = { width: 1024, height: 768, content_type: 'image/jpeg' };
    const body = {
      images: [
        { url: 'https://fal.test/1.png', ...picture },
        { url: 'https://fal.test/2.png', ...picture },
      ],
      timings: { inference: 0.34 },
      seed: 2_463_045_738,
      has_nsfw_concepts: [false, true],
    };
    expect(jobs?.readPoll(RESULT, replyOf(body))).toMatchObject({
      type: 'succeeded',
      result: {
        outputs: [
          { url: 'https://fal.test/1.png', mediaType: 'image/jpeg', isFlagged: false },
          { url: 'https://fal.test/2.png', isFlagged: true },
        ],
        facts: { usage: { images: 2 } },
      },
    });
  });

  test('a clip, one picture and a transcript', () => {
    const clip = { video: { url: 'https://fal.test/1.mp4', content_type: 'video/mp4' } };
    expect(jobs?.readPoll(RESULT, replyOf(clip))).toMatchObject({
      result: { outputs: [{ mediaType: 'video/mp4' }], facts: null },
    });
    const image = { image: { url: 'https://fal.test/1.png' } };
    expect(jobs?.readPoll(RESULT, replyOf(image))).toMatchObject({
      result: { outputs: [{ url: 'https://fal.test/1.png' }] },
    });
    const heard = {
      text: ' he has grave doubts',
      chunks: [{ timestamp: [0, 9.9], text: ' he has grave doubts', speaker: null }],
      inferred_languages: ['en'],
    };
    expect(jobs?.readPoll(RESULT, replyOf(heard))).toMatchObject({
      result: {
        outputs: [],
        transcript: {
          text: 'he has grave doubts',
          language: 'en',
          segments: [{ start: 0, end: 9.9, speaker: null }],
        },
      },
    });
  });

  test.each([{}, { images: [] }, { images: [{ url: 'file:///etc/passwd' }] }, []])(
    '%j is malformed',
    (body) => {
      expect(() => jobs?.readPoll(RESULT, replyOf(body))).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ kind: 'malformed_reply' }) }),
      );
    },
  );

  test('the status of a result tells that the request failed; other replies tell nothing', () => {
    const body = { detail: [{ loc: ['body', 'prompt'], msg: 'too long', type: 'value_error' }] };
    const read = (ticket: ProviderTicket, reply: ReturnType<typeof replyOf>) =>
      jobs?.readPollError?.(ticket, reply);
    expect(read(RESULT, replyOf(body, 422))).toMatchObject({
      type: 'failed',
      isBilled: false,
      failure: { kind: 'invalid_request', message: 'too long', param: 'prompt' },
    });
    expect(read(TICKET, replyOf(body, 422))).toBeNull();
    expect(read(RESULT, replyOf(body, 503))).toBeNull();
    expect(read(RESULT, replyOf(body, 429))).toBeNull();
  });
});

test('what is heard is billed by its length, and English is a task', () => {
  const options = {
    audio: PICTURE,
    durationMs: 61_000,
    task: 'translate' as const,
    language: null,
    prompt: null,
    temperature: null,
    timestamps: [],
    speakers: false,
    extra: {},
  };
  const exchange = job(transcription?.transcribe(options, targetOf('fal-ai/wizper')));
  expect(bodyOf(exchange)).toMatchObject({ task: 'translate', audio_url: DATA_URL });
  expect(exchange.facts.usage).toEqual({ audio_ms: 61_000 });
});

test.each([
  [400, { detail: 'Unsupported data URL' }, 'invalid_request', 'Unsupported data URL'],
  [404, null, 'model_not_found', 'fal answered with status 404 and no message.'],
  [
    422,
    {
      detail: [{ loc: ['body', 'model_name'], msg: 'field required', type: 'value_error.missing' }],
    },
    'invalid_request',
    'field required',
  ],
  [
    422,
    { detail: [{ loc: ['body'], msg: 'no', type: 'content_policy_violation' }] },
    'content_filtered',
    'no',
  ],
  [401, { detail: 'Invalid key' }, 'auth', 'Invalid key'],
  [503, {}, 'overloaded', 'fal answered with status 503 and no message.'],
])('error %i of %j', (status, body, kind, message) => {
  expect(fal.readError(replyOf(body, status))).toMatchObject({ kind, status, message });
});
