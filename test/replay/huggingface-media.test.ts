/**
 * Recorded media traffic of Hugging Face's router, replayed through the whole gateway: what was sent upstream then is what is sent now,
 * and what came back is a picture, a sound, a transcript or a vector, booked at its price.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { huggingFace } from '../../src/providers/huggingface/provider.ts';
import { recordingOf } from '../media/files.ts';
import { hasRecordings, loadRecording, responseBytes } from '../support/recordings.ts';
import { looseList, looseOf, stringOf, type Loose } from './json.ts';
import { MediaWorld, type Answered } from './media-world.ts';
import { atOnce } from '../support/pace.ts';

const PROMPT = 'An astronaut riding a horse on the moon.';
/** One cent for a picture or a second of sound, a dollar for a million of all else. */
const RATES = {
  images: 10_000_000_000_000,
  audio_ms: 10_000_000_000,
  characters: 1_000_000_000,
} as const;
const prices = (
  [
    ['CompVis/stable-diffusion-v1-4', 'images'],
    ['stabilityai/stable-diffusion-xl-base-1.0:together', 'images'],
    ['black-forest-labs/FLUX.1-dev:replicate', 'images'],
    ['black-forest-labs/FLUX.1-dev:black-forest-labs', 'images'],
    ['facebook/wav2vec2-large-960h-lv60-self', 'audio_ms'],
    ['jonatasgrosman/wav2vec2-large-xlsr-53-english', 'audio_ms'],
    ['openai/whisper-large-v3:fal-ai', 'audio_ms'],
    ['espnet/kan-bayashi_ljspeech_vits', 'characters'],
    ['sentence-transformers/distilbert-base-nli-mean-tokens', null],
    ['facebook/bart-base', null],
  ] as const
).map(([model, unit]) => ({
  provider: 'huggingface',
  model,
  rates: unit === null ? { input_text_tokens: 1_000_000_000 } : {},
  media: unit === null ? [] : [{ unit, rate: RATES[unit] }],
}));

let world: MediaWorld;
let pace: Disposable;
beforeAll(async () => {
  pace = atOnce(huggingFace);
  world = await MediaWorld.open('huggingface', {
    environment: (url) => ({ HF_TOKEN: 'replayed', HF_BASE_URL: url }),
    config: { models: { prices } },
  });
});
afterAll(async () => {
  pace[Symbol.dispose]();
  await world.close();
});

interface Call {
  readonly path: string;
  readonly body: object | FormData;
}

async function replayed(id: string, { path, body }: Call): Promise<Answered> {
  world.upstream.clear();
  world.upstream.serve({}, world.reply(id));
  return await world.ask(path, body);
}

function picture(model: string, more: object = {}): Call {
  const body = { model: `huggingface/${model}`, prompt: PROMPT, ...more };
  return { path: '/v1/images/generations', body };
}

function firstPicture({ json }: { readonly json: Loose }): Buffer {
  return Buffer.from(stringOf(looseList(json['data'])[0]?.['b64_json']), 'base64');
}

function sentBody(): unknown {
  return world.upstream.requests[0]?.body;
}

describe.skipIf(!hasRecordings)('recorded media behind the router', () => {
  it.each([
    ['huggingface/image-generate-01', {}],
    ['huggingface/image-generate-06', { size: '256x256' }],
  ])('%s is a picture', async (id, more) => {
    const answered = await replayed(id, picture('CompVis/stable-diffusion-v1-4', more));
    expect(sentBody()).toEqual(loadRecording(id).request.body);
    expect(firstPicture(answered)).toEqual(responseBytes(loadRecording(id)));
    expect(answered.booked).toMatchObject({ cost: '0.010000000', usage: { images: 1 } });
  });

  it('is a picture of Together', async () => {
    const id = 'huggingface/image-generate-05';
    const body = looseOf(loadRecording(id).request.body);
    const more = { provider_options: { huggingface: { provider_id: body['model'] } } };
    const call = picture('stabilityai/stable-diffusion-xl-base-1.0:together', more);
    const answered = await replayed(id, call);
    expect(sentBody()).toEqual(body);
    const [made] = looseList(looseOf(loadRecording(id).response.body)['data']);
    expect(firstPicture(answered)).toEqual(Buffer.from(stringOf(made?.['b64_json']), 'base64'));
  });

  it('is a picture of Replicate: an address before the end, and what lies there', async () => {
    world.upstream.clear();
    world.upstream.serve({ path: '/predictions' }, world.reply('huggingface/image-generate-04'));
    world.upstream.serve({ path: '/out-0.png' }, world.reply('replicate/download-01'));
    const { path, body } = picture('black-forest-labs/FLUX.1-dev:replicate');
    const answered = await world.ask(path, body);
    expect(firstPicture(answered)).toEqual(responseBytes(loadRecording('replicate/download-01')));
    expect(answered.booked).toMatchObject({ cost: '0.010000000', usage: { images: 1 } });
    expect(looseOf(sentBody())['input']).toEqual({ prompt: PROMPT });
  });

  it('is a picture of fal, whose result was recorded and whose queue was not', async () => {
    const queue = `${world.upstream.url}/fal-ai/flux/requests/r1`;
    const promise = { request_id: 'r1', response_url: queue, status_url: `${queue}/status` };
    world.upstream.clear();
    world.upstream.serve({ path: '/fal-ai/fal-ai/flux/dev' }, world.told(promise));
    world.upstream.serve({ path: '/status' }, world.reply('fal/queue-status-02'));
    world.upstream.serve({ path: '/requests/r1' }, world.reply('huggingface/image-generate-03'));
    const { images } = looseOf(loadRecording('huggingface/image-generate-03').response.body);
    const address = stringOf(looseList(images)[0]?.['url']);
    const file = world.reply('huggingface/image-generate-01');
    world.upstream.serve({ path: new URL(address).pathname }, file);
    const { path, body } = picture('black-forest-labs/FLUX.1-dev');
    const answered = await world.ask(path, body);
    expect(firstPicture(answered)).toEqual(file.body);
    expect(sentBody()).toEqual(loadRecording('huggingface/image-generate-03').request.body);
  });

  it('is refused where the sub-provider is not known', async () => {
    const { path, body } = picture('black-forest-labs/FLUX.1-dev:black-forest-labs');
    const reply = await world.fetch(path, body);
    expect([reply.status, looseOf(looseOf(await reply.json())['error'])['param']]).toEqual([
      400,
      'model',
    ]);
  });

  it('is speech', async () => {
    const id = 'huggingface/speech-01';
    const model = 'huggingface/espnet/kan-bayashi_ljspeech_vits';
    const body = { model, input: 'Hello world', voice: 'default' };
    const answered = await replayed(id, { path: '/v1/audio/speech', body });
    expect(answered.bytes).toEqual(responseBytes(loadRecording(id)));
    expect(answered.booked.usage).toMatchObject({ characters: 11 });
    expect(looseOf(sentBody())['inputs']).toBe('Hello world');
  });

  it.each([
    ['huggingface/transcription-01', 'facebook/wav2vec2-large-960h-lv60-self'],
    ['huggingface/transcription-02', 'jonatasgrosman/wav2vec2-large-xlsr-53-english'],
    ['huggingface/transcription-03', 'openai/whisper-large-v3:fal-ai'],
  ])('%s is a transcript', async (id, model) => {
    const form = new FormData();
    form.set('model', `huggingface/${model}`);
    form.set('file', new Blob([new Uint8Array(recordingOf(4650))]), 'talk.wav');
    const answered = await replayed(id, { path: '/v1/audio/transcriptions', body: form });
    const said = stringOf(looseOf(loadRecording(id).response.body)['text']);
    expect(answered.json['text']).toBe(said.trim());
    expect(answered.booked).toMatchObject({ cost: '0.050000000', usage: { audio_ms: 5000 } });
    expect(world.upstream.requests[0]?.path).toBe(loadRecording(id).request.path);
  });

  it.each(['huggingface/embeddings-01', 'huggingface/embeddings-02', 'huggingface/embeddings-03'])(
    '%s is a vector',
    async (id) => {
      const model = 'huggingface/sentence-transformers/distilbert-base-nli-mean-tokens';
      const body = { model, input: 'That is a happy person' };
      const answered = await replayed(id, { path: '/v1/embeddings', body });
      const recorded = loadRecording(id).response.body as readonly number[];
      expect(looseList(answered.json['data'])[0]?.['embedding']).toEqual(recorded.flat());
      expect(answered.booked.estimated).toBe(true);
    },
  );

  it('a model that embeds tokens is no model for texts', async () => {
    world.upstream.clear();
    world.upstream.serve({}, world.reply('huggingface/embeddings-04'));
    const body = { model: 'huggingface/facebook/bart-base', input: 'Hi, who are you?' };
    const reply = await world.fetch('/v1/embeddings', body);
    const { code } = looseOf(looseOf(await reply.json())['error']);
    expect([reply.status, code]).toEqual([502, 'provider_error']);
    expect(world.upstream.requests).not.toHaveLength(0);
  });
});
