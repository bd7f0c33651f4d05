/**
 * The suite of every media provider over the router's wires, and what is each sub-provider's own.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type { ImageEditOptions, ImageOptions } from '../../../contracts/image-provider.ts';
import { isJobExchange, type JobExchange } from '../../../contracts/job-provider.ts';
import type { MediaInput } from '../../../contracts/media.ts';
import type { SpeechOptions } from '../../../contracts/speech-provider.ts';
import type { TranscriptionOptions } from '../../../contracts/transcription-provider.ts';
import type { VideoOptions } from '../../../contracts/video-provider.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import { describeMediaProvider } from '../../media.contract.ts';
import { huggingFace } from '../provider.ts';

const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const picture: MediaInput = { bytes: PNG, mediaType: 'image/png', fileName: 'image.png' };
const imageOptions: ImageOptions = {
  prompt: 'a lighthouse',
  negativePrompt: null,
  n: 1,
  size: null,
  quality: null,
  style: null,
  background: null,
  outputFormat: null,
  outputCompression: null,
  moderation: null,
  guidanceScale: null,
  steps: null,
  seed: null,
  user: null,
  extra: {},
};
const editOptions: ImageEditOptions = {
  ...imageOptions,
  images: [picture],
  mask: null,
  inputFidelity: null,
  mode: null,
  search: null,
  expand: null,
  strength: null,
};
const imageVariants: readonly Partial<ImageOptions>[] = [
  { prompt: 'a harbour' },
  { negativePrompt: 'people' },
  { size: '512x256' },
  { quality: 'low' },
  { style: 'vivid' },
  { background: 'transparent' },
  { outputFormat: 'webp' },
  { outputCompression: 50 },
  { moderation: 'low' },
  { guidanceScale: 7 },
  { steps: 20 },
  { seed: 0 },
  { user: 'user-1' },
  { extra: { scheduler: 'x' } },
];
const speechOptions: SpeechOptions = {
  text: 'Grüß dich 👋',
  voice: 'any',
  instructions: null,
  format: 'flac',
  speed: null,
  extra: {},
};
const transcriptionOptions: TranscriptionOptions = {
  audio: { bytes: Buffer.from('RIFF....WAVE'), mediaType: 'audio/wav', fileName: 'file.wav' },
  durationMs: 3700,
  task: 'transcribe',
  language: null,
  prompt: null,
  temperature: null,
  timestamps: [],
  speakers: false,
  extra: {},
};
const videoOptions: VideoOptions = {
  operation: 'video.text_to_video',
  prompt: 'a wave',
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

const pictures = {
  model: 'stabilityai/stable-diffusion-xl-base-1.0',
  reply: PNG,
  usage: { images: 1 },
  broken: [{}, { images: [] }, Buffer.from('<html>no picture</html>')],
  check: ({ images }: { readonly images: readonly { readonly bytes: Buffer | null }[] }) => {
    expect(images.map(({ bytes }) => bytes)).toEqual([PNG]);
  },
};

describeMediaProvider({
  definition: huggingFace,
  inBandError: { error: 'Model x is currently loading', estimated_time: 20 },
  generate: { ...pictures, options: imageOptions, variants: imageVariants },
  edit: {
    ...pictures,
    options: editOptions,
    variants: [
      ...imageVariants,
      { images: [{ ...picture, bytes: Buffer.concat([PNG, PNG]) }] },
      { search: 'the sky' },
      { strength: 0.5 },
      { inputFidelity: 'high' },
    ],
  },
  speak: {
    model: 'espnet/kan-bayashi_ljspeech_vits',
    options: speechOptions,
    variants: [
      { text: 'Hello' },
      { instructions: 'slowly' },
      { format: 'wav' },
      { speed: 2 },
      { extra: { temperature: 1 } },
    ],
    usage: { characters: 11 },
  },
  transcribe: {
    model: 'facebook/wav2vec2-large-960h-lv60-self',
    options: transcriptionOptions,
    variants: [
      { language: 'de' },
      { prompt: 'Zürich' },
      { temperature: 0 },
      { timestamps: ['segment'] },
    ],
    reply: { text: ' A MAN SAID' },
    usage: { audio_ms: 4000 },
    broken: [{}, { text: 5 }, [], { text: 'x', chunks: [{ text: 'x' }] }],
    check: ({ text, segments }) => {
      expect([text, segments]).toEqual(['A MAN SAID', null]);
    },
  },
  embed: {
    model: 'sentence-transformers/all-MiniLM-L6-v2',
    options: {
      inputs: ['Ruby', 'Python'],
      dimensions: null,
      encoding: 'float',
      user: null,
      extra: {},
    },
    variants: [{ inputs: ['Ruby'] }, { user: 'user-1' }, { extra: { normalize: true } }],
    reply: [
      [0.5, 0.25],
      [-1, 0],
    ],
    usage: { inputs: 2 },
    broken: [
      [],
      [[1]],
      [[1], []],
      [
        [[1], [2]],
        [[3], [4]],
      ],
      {},
    ],
    check: ({ vectors }) => {
      expect(vectors).toEqual([
        [0.5, 0.25],
        [-1, 0],
      ]);
    },
  },
});

function targetOf(model: string) {
  return { model, baseUrl: 'https://router.test', credential: 'k', settings: { billTo: 'org' } };
}

function replyOf(body: object | Buffer): WireReply {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return { status: 200, headers: {}, body: bytes };
}

function present<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Error('the provider has it');
  return value;
}

function followed(exchange: object): JobExchange {
  if (!isJobExchange(exchange)) throw new Error('it is work to be followed');
  return exchange;
}

function bodyOf({ request }: { readonly request: { readonly body: Buffer | null } }): unknown {
  return JSON.parse(request.body?.toString() ?? 'null');
}

const jobs = present(huggingFace.jobs);
const generate = (model: string, options: Partial<ImageOptions> = {}) =>
  present(huggingFace.imageGeneration).generate({ ...imageOptions, ...options }, targetOf(model));

describe('the sub-provider', () => {
  test.each([
    ['black-forest-labs/FLUX.1-dev', '/fal-ai/fal-ai/flux/dev?_subdomain=queue'],
    ['black-forest-labs/FLUX.1-dev:fastest', '/fal-ai/fal-ai/flux/dev?_subdomain=queue'],
    ['black-forest-labs/FLUX.1-dev:together', '/together/v1/images/generations'],
    [
      'black-forest-labs/FLUX.1-dev:replicate',
      '/replicate/v1/models/black-forest-labs/flux-dev/predictions',
    ],
    ['Qwen/Qwen-Image:wavespeed', '/wavespeed/api/v3/wavespeed-ai/qwen-image/text-to-image'],
    ['some/model', '/hf-inference/models/some/model'],
    ['some/model:hf-inference', '/hf-inference/models/some/model'],
  ])('of %s is found by its suffix or the table', (model, path) => {
    const { request } = generate(model);
    expect(request.path).toBe(path);
    expect(request.headers).toMatchObject({ authorization: 'Bearer k', 'x-hf-bill-to': 'org' });
  });

  test.each([
    ['some/model:fal-ai', {}],
    ['some/model:nobody', {}],
    ['some/model:groq', {}],
    ['../secret', {}],
    ['some/model:fal-ai', { provider_id: '../../v1/chat' }],
    ['', {}],
  ])('of %s %j is not guessed', (model, extra) => {
    expect(() => generate(model, { extra })).toThrow(expect.objectContaining({ param: 'model' }));
  });

  test('can be told its own name of the model', () => {
    const { request } = generate('some/model:fal-ai', { extra: { provider_id: 'fal-ai/new' } });
    expect(request.path).toBe('/fal-ai/fal-ai/new?_subdomain=queue');
    expect(request.body?.toString()).not.toContain('provider_id');
  });

  test('gets the options by its own names', () => {
    const options = { size: '512x256', steps: 4, seed: 1, guidanceScale: 2, negativePrompt: 'x' };
    const common = { negative_prompt: 'x', guidance_scale: 2, seed: 1 };
    expect(bodyOf(generate('some/model', options))).toEqual({
      inputs: 'a lighthouse',
      parameters: { ...common, num_inference_steps: 4, width: 512, height: 256 },
    });
    expect(bodyOf(generate('black-forest-labs/FLUX.1-dev', options))).toEqual({
      prompt: 'a lighthouse',
      ...common,
      num_inference_steps: 4,
      image_size: { width: 512, height: 256 },
    });
    expect(bodyOf(generate('black-forest-labs/FLUX.1-dev:together', options))).toEqual({
      prompt: 'a lighthouse',
      ...common,
      steps: 4,
      width: 512,
      height: 256,
      response_format: 'base64',
      model: 'black-forest-labs/FLUX.1-dev',
    });
    expect(bodyOf(generate('Qwen/Qwen-Image:wavespeed', options))).toMatchObject({
      size: '512*256',
    });
    expect(bodyOf(generate('black-forest-labs/FLUX.1-dev:replicate', options))).toMatchObject({
      input: { prompt: 'a lighthouse', width: 512 },
    });
  });

  test('gets pictures as it takes them', () => {
    const edit = (model: string, images: readonly MediaInput[] = [picture]) =>
      bodyOf(
        present(huggingFace.imageEdit).edit(
          { ...editOptions, size: '64x64', images: images as [MediaInput] },
          targetOf(model),
        ),
      );
    const base64 = PNG.toString('base64');
    const url = `data:image/png;base64,${base64}`;
    expect(edit('some/model')).toEqual({
      inputs: base64,
      parameters: { prompt: 'a lighthouse', target_size: { width: 64, height: 64 } },
    });
    expect(edit('Qwen/Qwen-Image-Edit')).toMatchObject({ image_url: url });
    expect(edit('Qwen/Qwen-Image-Edit', [picture, picture])).toMatchObject({
      image_urls: [url, url],
    });
    expect(edit('Qwen/Qwen-Image-Edit:wavespeed')).toMatchObject({ image: url });
  });

  test.each([
    ['mask', { mask: picture }],
    ['n', { n: 2 }],
    ['mode', { mode: 'outpaint' as const }],
  ])('is not asked for %s', (param, options) => {
    expect(() =>
      present(huggingFace.imageEdit).edit({ ...editOptions, ...options }, targetOf('some/model')),
    ).toThrow(expect.objectContaining({ param }));
  });
});

describe('work in the queue of fal', () => {
  const start = () => followed(generate('black-forest-labs/FLUX.1-dev'));
  const at = 'https://queue.fal.run/fal-ai/flux/requests/4af3d8a1';
  const accepted = { request_id: '4af3d8a1', status: 'IN_QUEUE', response_url: at, status_url: at };
  const ticket = {
    id: '4af3d8a1',
    paths: {
      poll: '/fal-ai/fal-ai/flux/requests/4af3d8a1/status?_subdomain=queue',
      result: '/fal-ai/fal-ai/flux/requests/4af3d8a1?_subdomain=queue',
    },
  };

  test('is followed behind the router, never at the address that was named', () => {
    const reading = { type: 'pending', stage: 'queued' };
    expect(start().readStart(replyOf(accepted))).toMatchObject({
      type: 'accepted',
      ticket,
      reading,
    });
    const { path, headers } = jobs.poll(ticket, targetOf('x'));
    expect([path, headers['authorization']]).toEqual([ticket.paths.poll, 'Bearer k']);
  });

  test('goes from its status to its result', () => {
    const read = (body: object, of = ticket) => jobs.readPoll(of, replyOf(body));
    expect(read({ status: 'IN_PROGRESS' })).toMatchObject({ type: 'pending', stage: 'running' });
    expect(read({ status: 'NEW_STATE' })).toMatchObject({ type: 'pending' });
    const failed = read({ status: 'COMPLETED', error: 'no GPU', error_type: 'internal' });
    expect(failed).toMatchObject({ type: 'failed', failure: { message: 'no GPU' } });
    const done = read({ status: 'COMPLETED' });
    if (done.type !== 'pending' || done.ticket === null)
      throw new Error('the result lies elsewhere');
    expect(done.ticket.paths['poll']).toBe(ticket.paths.result);
    const image = { url: 'https://fal.media/files/a.png', content_type: 'image/png' };
    const result = { images: [image], has_nsfw_concepts: [true] };
    expect(jobs.readPoll(done.ticket, replyOf(result))).toMatchObject({
      type: 'succeeded',
      result: { outputs: [{ url: image.url, mediaType: 'image/png', isFlagged: true }] },
    });
    const clip = { video: { url: 'https://fal.media/files/a.mp4' } };
    expect(jobs.readPoll(done.ticket, replyOf(clip))).toMatchObject({ type: 'succeeded' });
    expect(() => jobs.readPoll(done.ticket ?? ticket, replyOf({}))).toThrow(/without a result/);
  });

  test('that was refused was not accepted', () => {
    const refusal = { detail: [{ loc: ['body', 'prompt'], msg: 'too long', type: 'value_error' }] };
    expect(start().readStart(replyOf(refusal))).toMatchObject({ type: 'failed', isBilled: false });
  });

  test.each([
    {},
    { request_id: 'x', response_url: 'not an address' },
    { request_id: 'x', response_url: 'https://queue.fal.run/' },
    { request_id: 'x', response_url: 'https://queue.fal.run/a%2f..%2fb?x' },
  ])('cannot be told from %j', (body) => {
    expect(() => start().readStart(replyOf(body))).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'malformed_reply' }) }),
    );
  });
});

describe('predictions of Replicate', () => {
  const start = () => followed(generate('black-forest-labs/FLUX.1-dev:replicate'));
  const url = 'https://replicate.delivery/out-0.png';

  test('may be there at once, even while their state says otherwise', () => {
    const recorded = { id: 'jf23', output: [url], error: null, status: 'processing' };
    expect(start().readStart(replyOf(recorded))).toMatchObject({
      type: 'succeeded',
      result: { outputs: [{ url }] },
    });
    expect(start().request.headers['prefer']).toBe('wait');
  });

  test.each([
    ['starting', { type: 'pending', stage: 'queued' }],
    ['processing', { type: 'pending', stage: 'running' }],
    ['unheard_of', { type: 'pending', stage: 'running' }],
    ['canceled', { type: 'cancelled' }],
    ['failed', { type: 'failed', failure: { message: 'NSFW content', kind: 'content_filtered' } }],
  ])('in state %s', (status, expected) => {
    const begun = start().readStart(replyOf({ id: 'jf23', status: 'starting', error: null }));
    if (begun.type !== 'accepted') throw new Error('it was accepted');
    expect(begun.ticket.paths).toEqual({ poll: '/replicate/v1/predictions/jf23' });
    const body = { id: 'jf23', status, output: null, error: 'NSFW content' };
    expect(jobs.readPoll(begun.ticket, replyOf(body))).toMatchObject(expected);
  });
});

describe('tasks of WaveSpeed', () => {
  const start = () => followed(generate('Qwen/Qwen-Image:wavespeed'));
  const envelope = (data: object) => ({ code: 200, message: 'success', data });
  const get = 'https://api.wavespeed.ai/api/v3/predictions/abc/result';

  test.each([
    ['created', { type: 'pending', stage: 'queued' }],
    ['processing', { type: 'pending', stage: 'running' }],
    ['completed', { type: 'succeeded', result: { outputs: [{ url: 'https://cdn/x.png' }] } }],
    ['failed', { type: 'failed', failure: { message: 'no GPU', kind: 'server_error' } }],
    ['timeout', { type: 'failed' }],
    ['cancelled', { type: 'cancelled' }],
    ['deleted', { type: 'expired' }],
    ['unheard_of', { type: 'pending' }],
  ])('in state %s', (status, expected) => {
    const begun = start().readStart(
      replyOf(envelope({ id: 'abc', status: 'created', urls: { get }, outputs: [] })),
    );
    if (begun.type !== 'accepted') throw new Error('it was accepted');
    expect(begun.ticket).toEqual({
      id: 'abc',
      paths: { poll: '/wavespeed/api/v3/predictions/abc/result' },
    });
    const data = { id: 'abc', status, outputs: ['https://cdn/x.png'], error: 'no GPU' };
    expect(jobs.readPoll(begun.ticket, replyOf(envelope(data)))).toMatchObject(expected);
  });
});

describe('clips', () => {
  const video = present(huggingFace.video);

  test('are made of words and of a picture by those who do', () => {
    expect(video.has('video.text_to_video', 'tencent/HunyuanVideo')).toBe(true);
    expect(video.has('video.text_to_video', 'some/model:wavespeed')).toBe(true);
    expect(video.has('video.text_to_video', 'some/model')).toBe(false);
    expect(video.has('video.talking_avatar', 'tencent/HunyuanVideo')).toBe(false);
    const exchange = video.start(
      { ...videoOptions, seed: 5, resolution: '720p' },
      targetOf('tencent/HunyuanVideo'),
    );
    expect(exchange.request.path).toBe('/fal-ai/fal-ai/hunyuan-video?_subdomain=queue');
    expect(bodyOf(exchange)).toEqual({ prompt: 'a wave', seed: 5, resolution: '720p' });
    expect(exchange.facts.usage).toEqual({ video_clips: 1 });
  });

  test('take the picture by its address', () => {
    const image = { type: 'url', url: 'https://example.com/a.png', mediaType: null } as const;
    const options = { ...videoOptions, operation: 'video.image_to_video', image } as const;
    const start = (model: string) => bodyOf(video.start(options, targetOf(model)));
    expect(start('Wan-AI/Wan2.2-I2V-A14B')).toMatchObject({ image_url: image.url });
    expect(start('Wan-AI/Wan2.2-I2V-A14B:wavespeed')).toMatchObject({ image: image.url });
  });

  test('are refused for a length that nobody promises', () => {
    const options = { ...videoOptions, seconds: 5 };
    expect(() => video.start(options, targetOf('tencent/HunyuanVideo'))).toThrow(
      expect.objectContaining({ param: 'seconds' }),
    );
  });
});

describe('sound', () => {
  const hear = (model: string, options: Partial<TranscriptionOptions> = {}) =>
    present(huggingFace.transcription).transcribe(
      { ...transcriptionOptions, ...options },
      targetOf(model),
    );

  test('goes to whom the suffix names, in the form that it takes', () => {
    expect(hear('openai/whisper-large-v3').request.path).toBe(
      '/groq/openai/v1/audio/transcriptions',
    );
    expect(hear('openai/whisper-large-v3', { task: 'translate' }).request.path).toBe(
      '/groq/openai/v1/audio/translations',
    );
    const fal = hear('openai/whisper-large-v3:fal-ai');
    expect(fal.request.path).toBe('/fal-ai/fal-ai/whisper');
    expect(bodyOf(fal)).toEqual({ audio_url: 'data:audio/wav;base64,UklGRi4uLi5XQVZF' });
    const bytes = hear('openai/whisper-large-v3:hf-inference').request;
    expect([bytes.headers['content-type'], bytes.body?.toString()]).toEqual([
      'audio/wav',
      'RIFF....WAVE',
    ]);
  });

  test('comes back with times where they are asked for', () => {
    const exchange = hear('openai/whisper-large-v3:hf-inference', { timestamps: ['segment'] });
    expect(bodyOf(exchange)).toMatchObject({ parameters: { return_timestamps: true } });
    if (isJobExchange(exchange)) throw new Error('it is answered at once');
    const chunks = [
      { timestamp: [0, 2], text: ' A man' },
      { timestamp: [2, null], text: ' said' },
    ];
    expect(exchange.read(replyOf({ text: ' A man said', chunks })).segments).toMatchObject([
      { start: 0, end: 2 },
      { start: 2, end: 3.7 },
    ]);
  });

  test.each([
    ['model', { task: 'translate' as const }],
    ['timestamp_granularities', { timestamps: ['word' as const] }],
    ['speakers', { speakers: true }],
  ])('is refused for %s that the sub-provider has not', (param, options) => {
    expect(() => hear('openai/whisper-large-v3:fal-ai', options)).toThrow(
      expect.objectContaining({ param }),
    );
  });

  test('of fal is work to be followed', () => {
    const exchange = present(huggingFace.speech).speak(
      { ...speechOptions, voice: 'af_heart' },
      targetOf('hexgrad/Kokoro-82M'),
    );
    expect(followed(exchange).request.path).toBe(
      '/fal-ai/fal-ai/kokoro/american-english?_subdomain=queue',
    );
    expect(bodyOf(exchange)).toEqual({ text: 'Grüß dich 👋', voice: 'af_heart' });
  });
});
