/**
 * Recorded traffic of providers that promise work, replayed through the whole gateway: fal's queue, Replicate's predictions and the start
 * of a task of WaveSpeed. What of a chain was not recorded is told as the provider's documentation has it, and named so. The addresses
 * of results are moved to the upstream, where a picture lies.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fal } from '../../src/providers/fal/provider.ts';
import { replicate } from '../../src/providers/replicate/provider.ts';
import { waveSpeed } from '../../src/providers/wavespeed/provider.ts';
import { recordingOf } from '../media/files.ts';
import { pngOf } from '../support/media-samples.ts';
import { hasRecordings, loadRecording } from '../support/recordings.ts';
import type { ReplayReply } from '../support/replay-upstream.ts';
import { looseList, looseOf, stringOf, type Loose } from './json.ts';
import { MediaWorld, type Answered } from './media-world.ts';
import { atOnce } from '../support/pace.ts';

const prices = [
  ['fal', 'fal-ai/wizper', 'audio_ms', 1_000_000_000],
  ['fal', 'fal-ai/whisper', 'audio_ms', 1_000_000_000],
  ['replicate', 'recraft-ai/recraft-crisp-upscale', 'images', 6_000_000_000_000],
].map(([provider, model, unit, rate]) => ({ provider, model, rates: {}, media: [{ unit, rate }] }));

const PICTURE = pngOf(32, 32);
const PROMPT =
  'black forest gateau cake spelling out the words FLUX SCHNELL, tasty, food photography, dynamic shot';

let world: MediaWorld;
let paces: readonly Disposable[] = [];
beforeAll(async () => {
  paces = [fal, replicate, waveSpeed].map(atOnce);
  world = await MediaWorld.open('followed', {
    environment: (url) => ({
      FAL_KEY: 'replayed',
      FAL_BASE_URL: url,
      REPLICATE_API_TOKEN: 'replayed',
      REPLICATE_BASE_URL: url,
      WAVESPEED_API_KEY: 'replayed',
      WAVESPEED_BASE_URL: url,
    }),
    config: { models: { prices } },
  });
});
afterAll(async () => {
  for (const pace of paces) pace[Symbol.dispose]();
  await world.close();
});

function serve(path: string, ...replies: readonly ReplayReply[]): void {
  world.upstream.serve({ path }, ...replies);
}

/** A file at the address that a recorded result names. */
function serveFile(address: unknown): void {
  const headers = { 'content-type': 'image/png' };
  const reply = { status: 200, headers, body: PICTURE, delivery: { mode: 'whole' } } as const;
  serve(new URL(stringOf(address)).pathname, reply);
}

function assertPicture({ json, booked }: Answered, cost: string): void {
  const encoded = looseList(json['data']).map((one) => stringOf(one['b64_json']));
  expect(encoded).toEqual([PICTURE.toString('base64')]);
  expect(booked).toMatchObject({ cost, usage: { images: 1 } });
}

async function asJob(body: object): Promise<unknown> {
  const reply = await world.fetch('/v1/images/generations', { ...body, background: true });
  expect(reply.status).toBe(202);
  return looseOf(await reply.json())['id'];
}

/** fal's queue before the result: the promise is the documentation's, both states are recorded. */
function serveQueue(model: string, result: ReplayReply): void {
  const at = `/${model}/requests/r1`;
  const address = `${world.upstream.url}${at}`;
  const promise = { request_id: 'r1', response_url: address, status_url: `${address}/status` };
  world.upstream.clear();
  serve(`/${model}`, world.told(promise));
  serve(at, result);
  const states = ['fal/queue-status-01', 'fal/queue-status-02'].map((id) => world.reply(id));
  serve(`${at}/status`, ...states);
}

describe.skipIf(!hasRecordings)('fal', () => {
  it.each([
    'fal/image-generate-01',
    'fal/image-generate-02',
    'fal/image-generate-03',
    'fal/queue-result-01',
  ])('%s is the picture of a request', async (id) => {
    const recorded = looseOf(loadRecording(id).response.body);
    serveQueue('fal-ai/flux/schnell', world.reply(id));
    serveFile(looseList(recorded['images'])[0]?.['url']);
    const body = { model: 'fal/fal-ai/flux/schnell', prompt: PROMPT };
    const answered = await world.ask('/v1/images/generations', body);
    assertPicture(answered, '0.003000000');
    expect(world.upstream.requests.map(({ path }) => path).slice(0, 4)).toEqual([
      '/fal-ai/flux/schnell',
      '/fal-ai/flux/schnell/requests/r1/status',
      '/fal-ai/flux/schnell/requests/r1/status',
      '/fal-ai/flux/schnell/requests/r1',
    ]);
    expect(looseOf(world.upstream.requests[0]?.body)['prompt']).toBe(PROMPT);
  });

  it.each([
    ['fal/transcription-01', 'fal-ai/wizper'],
    ['fal/transcription-02', 'fal-ai/whisper'],
  ])('%s is the transcript of %s', async (id, model) => {
    serveQueue(model, world.reply(id));
    const form = new FormData();
    form.set('model', `fal/${model}`);
    form.set('file', new Blob([new Uint8Array(recordingOf(10_000))]), 'talk.wav');
    const { json, booked } = await world.ask('/v1/audio/transcriptions', form);
    const said = stringOf(looseOf(loadRecording(id).response.body)['text']);
    expect(json['text']).toBe(said.trim());
    expect(booked).toMatchObject({ cost: '0.010000000', usage: { audio_ms: 10_000 } });
  });
});

const POLLS = [1, 2, 3, 4].map((step) => `replicate/prediction-get-0${step}`);

/** A recorded start, and the recorded states of another prediction in its place. */
function servePrediction(start: string, states: readonly string[]): Loose {
  const recorded = looseOf(loadRecording(start).response.body);
  world.upstream.clear();
  serve('/predictions', world.reply(start));
  serve(`/v1/predictions/${stringOf(recorded['id'])}`, ...states.map((id) => world.reply(id)));
  for (const id of [start, ...states]) {
    const { output } = looseOf(loadRecording(id).response.body);
    if (Array.isArray(output)) serveFile(output[0]);
  }
  return recorded;
}

describe.skipIf(!hasRecordings)('Replicate', () => {
  it('a prediction is started, followed through its log, and fetched', async () => {
    const recorded = servePrediction('replicate/prediction-create-03', POLLS);
    const model = 'replicate/black-forest-labs/flux-schnell';
    const id = await asJob({ model, prompt: 'robots' });
    const job = await world.ended(id);
    expect(job).toMatchObject({ status: 'succeeded', cost: '0.003000000' });
    const asked = world.upstream.requests.map(({ method, path }) => `${method} ${path}`);
    const poll = `GET /v1/predictions/${stringOf(recorded['id'])}`;
    expect(asked.filter((one) => one === poll)).toHaveLength(POLLS.length);
    expect(asked).toHaveLength(POLLS.length + 2);
  });

  it.each([
    // The official model by its name, and others by their version.
    'replicate/prediction-create-04',
    'replicate/prediction-create-05',
    'replicate/prediction-create-02',
  ])('%s starts one', async (id) => {
    servePrediction(id, ['replicate/prediction-get-04']);
    const body = { model: 'replicate/black-forest-labs/flux-schnell', prompt: PROMPT };
    assertPicture(await world.ask('/v1/images/generations', body), '0.003000000');
    const [sent] = world.upstream.requests;
    expect(sent?.path).toBe(loadRecording('replicate/prediction-create-04').request.path);
    expect(looseOf(looseOf(sent?.body)['input'])['prompt']).toBe(PROMPT);
  });

  it('a larger picture is a prediction, too', async () => {
    servePrediction('replicate/prediction-create-08', ['replicate/prediction-get-04']);
    const image = `data:image/png;base64,${PICTURE.toString('base64')}`;
    const body = { model: 'replicate/recraft-ai/recraft-crisp-upscale', image };
    assertPicture(await world.ask('/v1/images/upscales', body), '0.006000000');
  });

  it('one that was cancelled costs nothing', async () => {
    const cancelled = 'replicate/prediction-cancel-01';
    const recorded = servePrediction('replicate/prediction-create-10', [
      'replicate/prediction-get-01',
    ]);
    const path = `/v1/predictions/${stringOf(recorded['id'])}`;
    serve(`${path}/cancel`, world.reply(cancelled));
    const id = await asJob({ model: 'replicate/black-forest-labs/flux-schnell', prompt: PROMPT });
    const asked = await world.fetch(`/v1/jobs/${String(id)}/cancel`, {});
    expect(asked.ok).toBe(true);
    serve(path, world.reply(cancelled));
    const job = await world.ended(id);
    expect([job['status'], Number(job['cost'])]).toEqual(['cancelled', 0]);
    const posts = world.upstream.requests.filter(({ method }) => method === 'POST');
    expect(posts.map((one) => one.path)).toContain(loadRecording(cancelled).request.path);
  });
});

describe.skipIf(!hasRecordings)('WaveSpeed', () => {
  it('a task is accepted as recorded; its end is the documentation’s', async () => {
    const start = 'wavespeed/image-start-01';
    const data = looseOf(looseOf(loadRecording(start).response.body)['data']);
    const address = 'https://api.wavespeed.ai/made/out.png';
    const outputs = [`${world.upstream.url}/made/out.png`];
    world.upstream.clear();
    serve('/text-to-image', world.reply(start));
    const done = { code: 200, message: 'success', data: { ...data, status: 'completed', outputs } };
    serve(`/predictions/${stringOf(data['id'])}/result`, world.told(done));
    serveFile(address);
    const body = { model: 'wavespeed/wavespeed-ai/qwen-image/text-to-image', prompt: PROMPT };
    assertPicture(await world.ask('/v1/images/generations', body), '0.030000000');
  });
});
