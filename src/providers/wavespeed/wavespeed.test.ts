/**
 * WaveSpeed's wire, by the vendor's pages and the one recorded reply: submissions, tasks in every state, lost ones, messages.
 *
 * @module
 */
import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { ImageOptions } from '../../contracts/image-provider.ts';
import type { JobExchange } from '../../contracts/job-provider.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { VideoOptions } from '../../contracts/video-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import {
  ADDRESS,
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
import { FIELD_NAMES, MODELS } from './models.ts';
import { waveSpeed } from './provider.ts';

const { jobs, video, imageGeneration, imageEdit, faceSwap, speech, transcription, voiceClone } =
  waveSpeed;
function taskReply(task: object): WireReply {
  return replyOf({ code: 200, message: 'success', data: { id: 'task-1', ...task } });
}

function clip(model: string, options: Partial<VideoOptions> = {}): JobExchange {
  return job(video?.start({ ...CLIP, ...options }, targetOf(model)));
}

function generated(model: string, options: Partial<ImageOptions> = {}): JobExchange {
  return job(imageGeneration?.generate({ ...IMAGE, ...options }, targetOf(model)));
}

const refusal = (param: string) => expect.objectContaining({ code: 'invalid_request', param });

describe('the table of models', () => {
  test('names every model and operation once', () => {
    const names = MODELS.map(({ id, operation }) => `${operation} ${id}`);
    expect(new Set(names).size).toBe(names.length);
  });

  test.each(MODELS.map((model) => [model.id, model] as const))(
    '%s needs nothing that it does not take, and names no field for what it has not',
    (_id, model) => {
      const options = Object.keys(model.options);
      expect(options).toEqual(expect.arrayContaining([...model.required]));
      expect(options).toEqual(expect.arrayContaining(Object.keys(model.fields)));
      expect(options).toEqual(expect.arrayContaining([...model.lists]));
      const fields = options.map((name) => model.fields[name] ?? FIELD_NAMES[name] ?? name);
      expect(new Set(fields).size).toBe(fields.length);
    },
  );
});

describe('submissions', () => {
  test('a clip from words', () => {
    const exchange = clip('alibaba/wan-2.6/text-to-video', {
      seconds: 7,
      resolution: '1080p',
      aspectRatio: '9:16',
      seed: 3,
    });
    expect(exchange.request).toMatchObject({
      method: 'POST',
      path: '/api/v3/alibaba/wan-2.6/text-to-video',
      headers: { authorization: 'Bearer key' },
    });
    expect(bodyOf(exchange)).toEqual({
      prompt: 'waves',
      seed: 3,
      size: '1080*1920',
      duration: 10,
    });
    expect(exchange.warnings).toMatchObject([{ option: 'seconds', action: 'clamped' }]);
    expect(exchange.facts).toMatchObject({
      usage: { video_clips: 1, video_ms: 10_000 },
      dimensions: { resolution: '1080p' },
    });
  });

  test('media go as addresses, or as data URLs', () => {
    const exchange = clip('wavespeed-ai/video-face-swap', {
      operation: 'video.face_swap',
      prompt: null,
      video: ADDRESS,
      image: SENT,
      targetGender: 'female',
      targetIndex: 1,
    });
    expect(bodyOf(exchange)).toEqual({
      video: 'https://media.example.com/clip.mp4',
      face_image: DATA_URL,
      target_index: 1,
      target_gender: 'female',
    });
  });

  test('sound is on or off, and the price knows', () => {
    const exchange = clip('bytedance/seedance-v1.5-pro/text-to-video', {
      withAudio: false,
      resolution: '720p',
    });
    expect(bodyOf(exchange)).toMatchObject({ generate_audio: false, resolution: '720p' });
    expect(exchange.facts.dimensions).toEqual({ resolution: '720p', audio: 'off' });
  });

  test.each([
    ['a resolution that no size has', { resolution: '4k' }, 'resolution'],
    ['a size that is not one of its', { size: '1000x1000' }, 'size'],
    ['a clip without words', { prompt: null }, 'prompt'],
    ['a picture that it cannot use', { image: SENT }, 'image'],
    ['sound that is not of the operation', { references: [SENT] }, 'references'],
  ])('%s is refused, naming the field', (_name, options, param) => {
    expect(() => clip('alibaba/wan-2.6/text-to-video', options)).toThrow(refusal(param));
  });

  test('a model that has not the operation is refused with those that have', () => {
    expect(() => clip('wavespeed-ai/flashvsr')).toThrow(/alibaba\/wan-2\.6\/text-to-video/u);
    expect(video?.has('video.upscale', 'wavespeed-ai/flashvsr')).toBe(true);
    expect(video?.has('video.extend', 'wavespeed-ai/flashvsr')).toBe(false);
  });

  test('a picture has its size, or the ratio that is nearest to it', () => {
    const sized = generated('wavespeed-ai/qwen-image/text-to-image', { size: '1024x768' });
    expect(bodyOf(sized)).toMatchObject({ size: '1024*768' });
    const ratio = generated('wavespeed-ai/flux-kontext-pro/text-to-image', { size: '1920x1080' });
    expect(bodyOf(ratio)).toMatchObject({ aspect_ratio: '16:9' });
    expect(ratio.warnings).toMatchObject([{ option: 'size', action: 'mapped' }]);
    expect(() => generated('wavespeed-ai/qwen-image/text-to-image', { n: 2 })).toThrow(
      refusal('n'),
    );
  });

  test('several pictures are a list, one where one is taken is none', () => {
    const one = job(imageEdit?.edit(EDIT, targetOf('wavespeed-ai/qwen-image/edit')));
    expect(bodyOf(one)).toMatchObject({ image: DATA_URL });
    const plus = targetOf('wavespeed-ai/qwen-image/edit-plus');
    expect(bodyOf(job(imageEdit?.edit(EDIT, plus)))).toMatchObject({ images: [DATA_URL] });
    const two = { ...EDIT, images: [PICTURE, PICTURE] as const };
    expect(bodyOf(job(imageEdit?.edit(two, plus)))).toMatchObject({
      images: [DATA_URL, DATA_URL],
    });
    const single = targetOf('wavespeed-ai/qwen-image/edit');
    expect(() => imageEdit?.edit(two, single)).toThrow(refusal('image'));
  });

  test.each([
    ['a mask', { mask: PICTURE }, 'mask'],
    ['a way of editing', { mode: 'inpaint' as const }, 'mode'],
    ['growth', { expand: { left: 1, right: 0, up: 0, down: 0 } }, 'expand'],
  ])('%s that no model takes is refused', (_name, options, param) => {
    const target = targetOf('wavespeed-ai/qwen-image/edit');
    expect(() => imageEdit?.edit({ ...EDIT, ...options }, target)).toThrow(refusal(param));
  });

  test('a face goes where the model wants it', () => {
    const options = {
      image: SENT,
      faceImage: ADDRESS,
      targetIndex: null,
      targetGender: null,
      outputFormat: null,
      extra: {},
    };
    const plain = job(faceSwap?.swapFace(options, targetOf('wavespeed-ai/image-face-swap')));
    expect(bodyOf(plain)).toEqual({
      image: DATA_URL,
      face_image: 'https://media.example.com/clip.mp4',
    });
    const other = job(faceSwap?.swapFace(options, targetOf('wavespeed-ai/infinite-you')));
    expect(Object.keys(bodyOf(other)).toSorted()).toEqual(['source_image', 'target_image']);
    expect(plain.facts.usage).toEqual({ images: 1 });
  });

  test('speech maps voices that it does not know, by name', () => {
    const options = {
      text: 'Hello 👋',
      voice: 'alloy',
      instructions: 'softly',
      format: 'mp3' as const,
      speed: 3,
      extra: { emotion: 'happy' },
    };
    const spoken = job(speech?.speak(options, targetOf('minimax/speech-02-hd')));
    expect(bodyOf(spoken)).toEqual({
      text: 'Hello 👋',
      voice_id: 'Wise_Woman',
      speed: 2,
      format: 'mp3',
      emotion: 'happy',
    });
    expect(spoken.warnings.map(({ option, action }) => `${option}_${action}`).toSorted()).toEqual([
      'instructions_dropped',
      'speed_clamped',
      'voice_mapped',
    ]);
    expect(spoken.facts.usage).toEqual({ characters: 7 });
  });

  test('the voices that OpenAI names stand for are voices that there are', () => {
    const known = waveSpeed.voices?.known?.map(({ id }) => id);
    const options = {
      text: 'a',
      instructions: null,
      format: 'mp3' as const,
      speed: null,
      extra: {},
    };
    for (const voice of ['alloy', 'ash', 'ballad', 'coral', 'echo', 'nova', 'onyx', 'verse']) {
      const spoken = speech?.speak({ ...options, voice }, targetOf('minimax/speech-02-hd'));
      expect(known).toContain(bodyOf(job(spoken))['voice_id']);
    }
  });

  test('a voice is made under a name that the vendor takes', () => {
    const options = { samples: [SENT] as const, description: null, text: null, extra: {} };
    const target = targetOf('minimax/voice-clone');
    const made = job(voiceClone?.cloneVoice({ ...options, name: 'Ann-3' }, target));
    expect(bodyOf(made)).toEqual({
      model: 'speech-02-hd',
      custom_voice_id: expect.stringMatching(/^VoiceAnn3[0-9a-f]{12}$/),
      audio: DATA_URL,
    });
    expect(made.voiceId).toBe(bodyOf(made)['custom_voice_id']);
    expect(() => voiceClone?.cloneVoice({ ...options, name: '!' }, target)).toThrow(
      refusal('name'),
    );
  });

  test('times of a transcript are another price', () => {
    const options = {
      audio: PICTURE,
      durationMs: 61_000,
      task: 'translate' as const,
      language: null,
      prompt: null,
      temperature: null,
      timestamps: ['segment' as const],
      speakers: false,
      extra: {},
    };
    const target = targetOf('wavespeed-ai/openai-whisper');
    const heard = job(transcription?.transcribe(options, target));
    expect(bodyOf(heard)).toMatchObject({ task: 'translate', enable_timestamps: true });
    expect(heard.facts).toMatchObject({
      usage: { audio_ms: 61_000 },
      dimensions: { timestamps: 'on' },
    });
    const turbo = targetOf('wavespeed-ai/openai-whisper-turbo');
    expect(() => transcription?.transcribe(options, turbo)).toThrow(refusal('timestamps'));
  });
});

/** As recorded, but for the address. */
const RECORDED = {
  code: 200,
  message: 'success',
  data: {
    id: '6488c2754f6f4dfea924382fa14d11bd',
    model: 'alibaba/wan-2.5/text-to-image',
    outputs: [],
    urls: { get: 'https://elsewhere.example.com/api/v3/predictions/x/result' },
    has_nsfw_contents: [],
    status: 'created',
    created_at: '2025-09-29T23:09:43.027Z',
    error: '',
    executionTime: 0,
    timings: { inference: 0 },
  },
};
const SUBMISSION = generated('wavespeed-ai/qwen-image/text-to-image');

function read(task: object) {
  return jobs?.readPoll({ id: 'task-1', paths: {} }, taskReply(task));
}

describe('tasks', () => {
  test('a submission is accepted under its id, and asked for at our own address', () => {
    const start = SUBMISSION.readStart(replyOf(RECORDED));
    expect(start).toMatchObject({
      type: 'accepted',
      ticket: {
        id: RECORDED.data.id,
        paths: { poll: `/api/v3/predictions/${RECORDED.data.id}/result` },
      },
      reading: { type: 'pending', stage: 'queued' },
    });
    if (start.type !== 'accepted') throw new Error('not accepted');
    expect(jobs?.poll(start.ticket, targetOf('any'))).toMatchObject({
      method: 'GET',
      path: `/api/v3/predictions/${RECORDED.data.id}/result`,
      headers: { authorization: 'Bearer key' },
    });
  });

  test('one that is at its end at once is read so; a sync call that took too long goes on', () => {
    const outputs = ['https://cdn.example.com/1.png'];
    expect(SUBMISSION.readStart(taskReply({ status: 'completed', outputs }))).toMatchObject({
      type: 'succeeded',
    });
    expect(
      SUBMISSION.readStart(
        taskReply({ status: 'processing', code: 5004, error: 'Sync mode timed out' }),
      ),
    ).toMatchObject({ type: 'accepted', reading: { type: 'pending', stage: 'running' } });
  });

  test.each([
    ['created', { type: 'pending', stage: 'queued' }],
    ['processing', { type: 'pending', stage: 'running' }],
    ['something-new', { type: 'pending', stage: 'running' }],
    ['failed', { type: 'failed', isBilled: false }],
    ['timeout', { type: 'failed', isBilled: false }],
    ['cancelled', { type: 'cancelled', isBilled: false }],
    ['deleted', { type: 'expired' }],
  ])('%s is read', (status, expected) => {
    expect(read({ status, outputs: [] })).toMatchObject(expected);
  });

  test.each([
    [1200, 'content_filtered'],
    [1401, 'invalid_request'],
    [1402, 'invalid_request'],
    [5003, 'overloaded'],
    [9999, 'server_error'],
  ])('a task that failed with %i is %s', (code, kind) => {
    expect(read({ status: 'failed', code, error: 'why' })).toMatchObject({
      failure: { kind, message: 'why', providerCode: String(code) },
    });
  });

  const base64 = Buffer.from('a picture of bytes').toString('base64');
  test.each([
    ['addresses', ['https://a.test/1.png', 'https://a.test/2.png'], 2],
    ['objects', [{ url: 'https://a.test/1.mp4' }], 1],
    ['one address', 'https://a.test/1.mp4', 1],
    ['a data URL', [`data:image/png;base64,${base64}`], 1],
    ['bare base64', [base64], 1],
  ])('outputs as %s', (_name, outputs, count) => {
    const reading = read({ status: 'completed', outputs, has_nsfw_contents: [true] });
    if (reading?.type !== 'succeeded') throw new Error('not read');
    expect(reading.result.outputs).toHaveLength(count);
    expect(reading.result.outputs[0]).toMatchObject({ needsCredential: false, isFlagged: true });
    const [first] = reading.result.outputs;
    expect(first?.bytes?.toString() ?? first?.url).toMatch(/a picture of bytes|https:\/\/a\.test/u);
  });

  test('a transcript is an object instead', () => {
    const outputs = { text: 'Hello.', segments: [{ start: 0, end: 1.5, text: 'Hello.' }] };
    expect(read({ status: 'completed', outputs })).toMatchObject({
      result: { outputs: [], transcript: { text: 'Hello.', segments: [{ end: 1.5 }] } },
    });
  });

  test.each([
    ['no JSON', Buffer.from('<html>')],
    ['no object', Buffer.from('[]')],
    ['no data', Buffer.from('{"code":200}')],
    ['no state', Buffer.from('{"data":{"id":"a"}}')],
    ['no output', Buffer.from('{"data":{"status":"completed","outputs":[]}}')],
    ['an output that is none', Buffer.from('{"data":{"status":"completed","outputs":[7]}}')],
    ['a file of ours', Buffer.from('{"data":{"status":"completed","outputs":["file:///x"]}}')],
  ])('%s is malformed', (_name, body) => {
    const reply = { status: 200, headers: {}, body };
    expect(() => jobs?.readPoll({ id: 'a', paths: {} }, reply)).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'malformed_reply' }) }),
    );
  });

  test('an id that would be another path is refused', () => {
    expect(() => SUBMISSION.readStart(taskReply({ id: '../keys', status: 'created' }))).toThrow(
      ProviderFailureError,
    );
  });
});

describe('lost submissions', () => {
  const lookUp = jobs?.lookUp;
  const input = bodyOf(SUBMISSION);
  const marked = lookUp?.mark(SUBMISSION.request, 'job_1');
  const lost = {
    model: 'wavespeed-ai/qwen-image/text-to-image',
    sentAfterMs: Date.UTC(2026, 10, 27, 12),
    sentBeforeMs: Date.UTC(2026, 10, 27, 12, 1),
    mark: marked?.mark ?? '',
  };
  const item = (id: string, more: object = {}) => ({ id, model: lost.model, ...more });
  const found = (...items: readonly object[]) =>
    lookUp?.read(lost, replyOf({ code: 200, data: { page: 1, items } }));

  test('are asked for by model and time, a minute around', () => {
    const request = lookUp?.request(lost, targetOf(lost.model));
    expect(JSON.parse(request?.body?.toString('utf8') ?? '{}')).toEqual({
      page: 1,
      page_size: 100,
      model: lost.model,
      created_after: '2026-11-27T11:59:00.000Z',
      created_before: '2026-11-27T12:02:00.000Z',
    });
  });

  test('are asked for page by page, until one is not full', () => {
    const next = (count: number) => {
      const items = Array.from({ length: count }, (_, at) => item(`task-${at}`));
      const reply = replyOf({ code: 200, data: { page: 2, items } });
      return lookUp?.next?.(lost, { reply, number: 2 }, targetOf(lost.model));
    };
    expect(next(99)).toBeNull();
    expect(JSON.parse(next(100)?.body?.toString('utf8') ?? '{}')).toMatchObject({
      page: 3,
      model: lost.model,
      created_after: '2026-11-27T11:59:00.000Z',
    });
  });

  test('the one with our input is ours, whatever the order of its members', () => {
    const turned = Object.fromEntries(Object.entries(input).toReversed());
    const other = { ...input, prompt: 'something else' };
    expect(found(item('a', { input: other }), item('b', { input: turned }))).toMatchObject({
      id: 'b',
    });
    expect(found(item('a', { input: other }))).toBe('none');
    expect(found(item('a', { input }), item('b', { input }))).toBe('unclear');
  });

  test('a list that does not tell the input is believed where there is one alone', () => {
    expect(found(item('a'))).toMatchObject({ id: 'a' });
    expect(found(item('a'), item('b'))).toBe('unclear');
    expect(found({ id: 'a', model: 'another' })).toBe('none');
    expect(found()).toBe('none');
  });
});

describe('messages', () => {
  const secret = 'whsec_c2VjcmV0';
  const nowMs = Date.UTC(2026, 10, 27);
  const body = Buffer.from(
    JSON.stringify({ id: 'task-1', status: 'completed', outputs: ['https://a.test/1.png'] }),
  );
  const signed = (changes: Partial<Record<string, string>> = {}, with_ = 'c2VjcmV0') => {
    const timestamp = String(nowMs / 1000);
    const hex = createHmac('sha256', with_)
      .update(`msg_1.${timestamp}.`)
      .update(body)
      .digest('hex');
    return {
      'webhook-id': 'msg_1',
      'webhook-timestamp': timestamp,
      'webhook-signature': `v3,${hex}`,
      ...changes,
    };
  };
  const readMessage = (headers: Record<string, string>, at = nowMs) =>
    jobs?.webhook?.read({ headers, body, secret, nowMs: at });

  test('a signed one is read', () => {
    expect(readMessage(signed())).toMatchObject({ id: 'task-1', reading: { type: 'succeeded' } });
  });

  test.each([
    ['another secret', signed({}, 'other'), nowMs],
    ['another id', signed({ 'webhook-id': 'msg_2' }), nowMs],
    ['no signature', signed({ 'webhook-signature': '' }), nowMs],
    ['another version', signed({ 'webhook-signature': 'v1,00' }), nowMs],
    ['an old one', signed(), nowMs + 301_000],
    ['one from the future', signed(), nowMs - 301_000],
    ['no time', signed({ 'webhook-timestamp': 'soon' }), nowMs],
  ])('%s is not', (_name, headers, at) => {
    expect(readMessage(headers as Record<string, string>, at)).toBeNull();
  });

  test('the address to call is a parameter of the submission', () => {
    const url = 'https://gateway.example.com/v1/provider-webhooks/wavespeed?a=b';
    const request = jobs?.webhook?.subscribe(SUBMISSION.request, url);
    const { pathname, searchParams } = new URL(`https://x.test${request?.path ?? ''}`);
    expect(pathname).toBe(SUBMISSION.request.path);
    expect(searchParams.get('webhook')).toBe(url);
  });
});

describe('errors', () => {
  test.each([
    [401, {}, 'auth'],
    [402, {}, 'credit'],
    [404, {}, 'model_not_found'],
    [429, { 'retry-after': '3' }, 'rate_limited'],
    [400, {}, 'invalid_request'],
    [500, {}, 'server_error'],
    [503, {}, 'overloaded'],
  ])('%i is read', (status, headers, kind) => {
    const reply = replyOf({ code: status, message: 'why' }, status, headers);
    expect(waveSpeed.readError(reply)).toMatchObject({
      kind,
      status,
      message: 'why',
      waitMs: status === 429 ? 3000 : null,
    });
  });

  test('an error under status 200 is one', () => {
    expect(() =>
      SUBMISSION.readStart(replyOf({ code: 400, message: 'prompt is required' })),
    ).toThrow(
      expect.objectContaining({
        failure: expect.objectContaining({
          kind: 'invalid_request',
          message: 'prompt is required',
        }),
      }),
    );
  });

  test('a page instead of JSON is an error all the same', () => {
    const reply = { status: 502, headers: {}, body: Buffer.from('<html>bad gateway</html>') };
    expect(waveSpeed.readError(reply)).toMatchObject({ kind: 'server_error', status: 502 });
  });
});
