/**
 * Replicate's predictions, as recorded: made, asked for, found again, told of.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import {
  bodyOf,
  CLIP,
  DATA_URL,
  EDIT,
  IMAGE,
  job,
  replyOf,
  SENT,
  targetOf,
} from '../media-samples.contract.ts';
import { replicate } from './provider.ts';

const { jobs, video, imageGeneration, imageEdit } = replicate;
const MODEL = 'black-forest-labs/flux-schnell';
const ID = 'tqsn7eq3kxrma0cmjfcbkd5t3g';
/** The reply to a submission, as recorded but for its addresses. */
const STARTED = {
  id: ID,
  model: MODEL,
  version: 'dp-4d0bcc010b3049749a251855f12800be',
  input: { prompt: 'a lighthouse' },
  logs: '',
  output: null,
  data_removed: false,
  error: null,
  status: 'starting',
  created_at: '2025-01-23T15:47:32.383Z',
  urls: { get: `https://elsewhere.test/v1/predictions/${ID}` },
};
const generated = (options: Partial<typeof IMAGE> = {}) =>
  job(imageGeneration?.generate({ ...IMAGE, ...options }, targetOf(MODEL)));
const read = (changes: object) =>
  jobs?.readPoll({ id: ID, paths: {} }, replyOf({ ...STARTED, ...changes }));

describe('submissions', () => {
  test('a picture has the ratio of its size', () => {
    const exchange = generated({
      n: 2,
      size: '1920x1080',
      outputFormat: 'jpeg',
      negativePrompt: 'x',
    });
    expect(exchange.request).toMatchObject({
      method: 'POST',
      path: '/v1/models/black-forest-labs/flux-schnell/predictions',
      headers: { authorization: 'Bearer key' },
    });
    expect(bodyOf(exchange)).toEqual({
      input: { prompt: 'a lighthouse', num_outputs: 2, aspect_ratio: '16:9', output_format: 'jpg' },
    });
    expect(exchange.warnings.map(({ option, action }) => `${option}_${action}`)).toEqual([
      'size_mapped',
      'negative_prompt_dropped',
    ]);
    expect(exchange.facts.usage).toEqual({ images: 2 });
  });

  test('a change by words, and a clip between two pictures', () => {
    const kontext = targetOf('black-forest-labs/flux-kontext-pro');
    expect(bodyOf(job(imageEdit?.edit(EDIT, kontext)))).toEqual({
      input: { prompt: 'a lighthouse', input_image: DATA_URL },
    });
    const options = {
      ...CLIP,
      operation: 'video.image_to_video' as const,
      image: SENT,
      lastImage: SENT,
      seconds: 1,
    };
    const clip = job(video?.start(options, targetOf('bytedance/seedance-1-pro')));
    expect(bodyOf(clip)).toEqual({
      input: { prompt: 'waves', image: DATA_URL, last_frame_image: DATA_URL, duration: 2 },
    });
    expect(clip.facts.usage).toEqual({ video_clips: 1, video_ms: 2_000 });
  });
});

describe('predictions', () => {
  test('one is accepted under its id, and asked for and cancelled at our own address', () => {
    const start = generated().readStart(replyOf(STARTED, 201));
    expect(start).toMatchObject({
      type: 'accepted',
      ticket: { id: ID, paths: { poll: `/v1/predictions/${ID}` } },
      reading: { type: 'pending', stage: 'queued' },
    });
    if (start.type !== 'accepted') throw new Error('not accepted');
    expect(jobs?.cancel?.(start.ticket, targetOf('any'))).toMatchObject({
      method: 'POST',
      path: `/v1/predictions/${ID}/cancel`,
    });
  });

  test('the log tells how far it is', () => {
    const logs = 'Using seed: 12254\n  0%|          | 0/50\n 24%|██▍       | 12/50';
    expect(read({ status: 'processing', logs })).toMatchObject({
      stage: 'running',
      progress: 0.24,
    });
    expect(read({ status: 'processing' })).toMatchObject({ progress: null });
    expect(read({ status: 'never-seen' })).toMatchObject({ type: 'pending', stage: 'running' });
  });

  test.each([
    [
      { status: 'failed', error: 'NSFW content detected' },
      { failure: { kind: 'content_filtered' } },
    ],
    [{ status: 'failed', error: 'CUDA out of memory' }, { failure: { kind: 'server_error' } }],
    [{ status: 'aborted' }, { type: 'failed', isBilled: false }],
    [{ status: 'canceled' }, { type: 'cancelled', isBilled: false }],
  ])('%j is an end', (changes, expected) => {
    expect(read(changes)).toMatchObject(expected);
  });

  test('pictures are counted by what came, one address is one output', () => {
    const output = ['https://r.test/out-0.webp', 'https://r.test/out-1.webp'];
    expect(read({ status: 'succeeded', output })).toMatchObject({
      result: {
        outputs: [{ url: output[0] }, { url: output[1] }],
        facts: { usage: { images: 2 } },
      },
    });
    expect(read({ status: 'succeeded', output: 'https://r.test/out.mp4' })).toMatchObject({
      result: { outputs: [{ url: 'https://r.test/out.mp4' }], facts: null },
    });
  });

  test.each([
    [{ status: null }],
    [{ status: 'succeeded', output: null }],
    [{ status: 'succeeded', output: ['file:///etc/passwd'] }],
    [{ status: 'succeeded', output: [7] }],
  ])('%j is malformed', (changes) => {
    expect(() => read(changes)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'malformed_reply' }) }),
    );
  });

  test('an id that would be another path is refused', () => {
    expect(() => generated().readStart(replyOf({ ...STARTED, id: '../account' }))).toThrow(/id/u);
  });
});

describe('lists of several pages', () => {
  const lost = { model: MODEL, sentAfterMs: 0, sentBeforeMs: 0, mark: '' };
  const nextOf = (next: string | null) => {
    const reply = replyOf({ previous: null, next, results: [] });
    return jobs?.lookUp?.next?.(lost, { reply, number: 1 }, targetOf(MODEL));
  };

  test('are read on at the provider’s own origin alone', () => {
    expect(nextOf('https://elsewhere.test/v1/predictions?cursor=cD0y')).toMatchObject({
      method: 'GET',
      path: '/v1/predictions?cursor=cD0y',
    });
    expect(nextOf(null)).toBeNull();
    expect(() => nextOf('no address')).toThrow(/page/u);
  });
});

describe('lost submissions', () => {
  const mark = jobs?.lookUp?.mark(generated().request, 'job_1').mark ?? '';
  const nowMs = Date.UTC(2026, 10, 27);
  const lost = { model: MODEL, sentAfterMs: nowMs, sentBeforeMs: nowMs, mark };
  const found = (results: readonly object[], next: string | null = null) =>
    jobs?.lookUp?.read(lost, replyOf({ previous: null, next, results }));

  test('are the one of the list that was asked the same', () => {
    const other = { ...STARTED, input: { prompt: 'another' } };
    expect(found([other, STARTED])).toMatchObject({ id: ID });
    expect(found([other])).toBe('none');
    expect(found([STARTED, STARTED])).toBe('unclear');
    expect(found([other], 'https://api.test/v1/predictions?cursor=cD0y')).toBe('none');
    expect(jobs?.lookUp?.request(lost, targetOf(MODEL)).path).toMatch(
      /^\/v1\/predictions\?created_after=2026-11-26T23%3A59/u,
    );
  });
});

describe('messages', () => {
  const key = Buffer.from('a secret of the test');
  const body = Buffer.from(JSON.stringify({ ...STARTED, status: 'canceled' }));
  const nowMs = Date.UTC(2026, 10, 27);
  const signature = (with_: Buffer) =>
    createHmac('sha256', with_)
      .update(`msg_1.${nowMs / 1000}.`)
      .update(body)
      .digest('base64');
  const told = (signed: string, at = nowMs) =>
    jobs?.webhook?.read({
      headers: {
        'webhook-id': 'msg_1',
        'webhook-timestamp': String(nowMs / 1000),
        'webhook-signature': signed,
      },
      body,
      secret: `whsec_${key.toString('base64')}`,
      nowMs: at,
    });

  test('one of several signatures is enough; a wrong or old one is none', () => {
    expect(told(`v1,bm8= v1,${signature(key)}`)).toMatchObject({
      id: ID,
      reading: { type: 'cancelled' },
    });
    expect(told(`v1,${signature(Buffer.from('other'))}`)).toBeNull();
    expect(told(`v3,${signature(key)}`)).toBeNull();
    expect(told(`v1,${signature(key)}`, nowMs + 301_000)).toBeNull();
  });

  test('the address to call stands beside the input', () => {
    const request = jobs?.webhook?.subscribe(generated().request, 'https://g.test/in');
    expect(JSON.parse(request?.body?.toString('utf8') ?? '{}')).toMatchObject({
      input: { prompt: 'a lighthouse' },
      webhook: 'https://g.test/in',
      webhook_events_filter: ['completed'],
    });
  });
});

test('an error names the field', () => {
  const body = {
    detail: '- Additional property provider is not allowed\n',
    status: 422,
    title: 'Input validation failed',
    invalid_fields: [
      { type: 'additional_property_not_allowed', field: 'provider', description: 'not allowed' },
    ],
  };
  expect(replicate.readError(replyOf(body, 422))).toMatchObject({
    kind: 'invalid_request',
    param: 'provider',
    message: '- Additional property provider is not allowed',
  });
  expect(replicate.readError(replyOf({}, 429, { 'ratelimit-reset': '2' }))).toMatchObject({
    kind: 'rate_limited',
    waitMs: 2_000,
  });
  expect(replicate.readError(replyOf({}, 402))).toMatchObject({ kind: 'credit' });
});
