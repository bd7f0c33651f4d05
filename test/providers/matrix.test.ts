/**
 * The matrix of docs/providers.md, driven: every provider does every operation that it has, with every model of its table, through the
 * running gateway against the simulator of its wire. The calls are made of the definitions and tables themselves.
 *
 * @module
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createPriceBook, seedPriceRows } from '../../src/catalog/index.ts';
import type { ProviderDefinition } from '../../src/contracts/provider.ts';
import { operationsOf } from '../../src/providers/provider-docs.ts';
import { PROVIDERS } from '../../src/providers/registry.ts';
import { createSimulator, type Simulator } from '../../src/simulators/index.ts';
import { mediaTypeOf } from '../../src/http/media-type.ts';
import { atOnce } from '../support/pace.ts';
import { eventually, readReply, type Reply } from '../support/lab.ts';
import {
  requestOf,
  startTestGateway,
  verifyLedger,
  type TestGateway,
} from '../support/running-gateway.ts';
import {
  exampleOf,
  matrixCall,
  usualUnit,
  type MatrixCall,
  type TableRow,
} from './matrix-calls.ts';

/** Simulators by provider; all others speak OpenAI's protocol. */
const OWN_WIRE = [
  'gemini',
  'huggingface',
  'stability',
  'wavespeed',
  'elevenlabs',
  'deepgram',
  'fal',
  'replicate',
];
const NANO_USD_PER_MILLION = 1_000_000_000_000;

interface Cell {
  readonly provider: string;
  readonly model: string;
  readonly row: TableRow;
  readonly isPriced: boolean;
}

const book = createPriceBook(seedPriceRows());

function isPriced({ id, priceBookId }: ProviderDefinition, model: string): boolean {
  return book.find(priceBookId ?? id, model, Date.now()) !== null;
}

/** A model of a family that the book has a price for, else one that is made up. */
function memberOf(provider: ProviderDefinition, { id, operation }: TableRow): string {
  if (!id.endsWith('*')) return id;
  const start = id.slice(0, -1);
  if (start === '') return exampleOf(operation);
  const known = book.models(provider.priceBookId ?? provider.id);
  return known.find((model) => model.startsWith(start)) ?? `${start}x`;
}

/** A model for an operation that has no table. */
function untabled(provider: ProviderDefinition): string {
  const known = book.models(provider.priceBookId ?? provider.id);
  return known.find((model) => isPriced(provider, model)) ?? 'some-model';
}

function cellsOf(provider: ProviderDefinition): readonly Cell[] {
  return operationsOf(provider).flatMap((operation): readonly Cell[] => {
    const rows: readonly TableRow[] = (provider.mediaModels ?? []).filter(
      (row) => row.operation === operation,
    );
    const named = rows.map((row) => ({ row, model: memberOf(provider, row) }));
    const bare: TableRow = { id: untabled(provider), operation, options: {}, source: '' };
    const all = named.length > 0 ? named : [{ row: bare, model: bare.id }];
    return all.map((one) => ({
      ...one,
      provider: provider.id,
      isPriced: isPriced(provider, one.model),
    }));
  });
}

const cells = PROVIDERS.flatMap(cellsOf);

/** A price for what has none: a thousandth of a dollar each, or a dollar for a million tokens. */
const prices = cells
  .filter((cell) => !cell.isPriced)
  .map(({ provider, model, row }) => {
    const unit = usualUnit(row.operation);
    const rate =
      unit === 'characters' || unit === 'audio_ms' ? 1_000_000_000 : NANO_USD_PER_MILLION;
    const tokens = { input_text_tokens: 1_000_000_000, output_text_tokens: 1_000_000_000 };
    return unit === null
      ? { provider, model, rates: tokens }
      : { provider, model, rates: {}, media: [{ unit, rate }] };
  });

let simulator: Simulator;
let gateway: TestGateway;
let paces: readonly Disposable[] = [];
beforeAll(async () => {
  simulator = await createSimulator({ seed: 'matrix' });
  paces = PROVIDERS.filter(({ jobs }) => jobs !== undefined).map(atOnce);
  const variables = PROVIDERS.flatMap(({ id, environment, versionSegment }) => {
    // Some servers of OpenAI's protocol have no version in their paths.
    const wire = OWN_WIRE.includes(id) ? id : `openai${versionSegment === '' ? '/v1' : ''}`;
    const [key] = environment.credential;
    return [
      [environment.baseUrl, `${simulator.url}/${wire}`],
      ...(key === undefined ? [] : [[key, 'sk-matrix']]),
    ] as const;
  });
  gateway = await startTestGateway({
    environment: Object.fromEntries(variables),
    config: JSON.stringify({ models: { prices } }),
  });
});
afterAll(async () => {
  for (const pace of paces) pace[Symbol.dispose]();
  const { ok, open_holds: openHolds } = await verifyLedger(gateway);
  await gateway.stop();
  await simulator.close();
  expect([ok, openHolds]).toEqual([true, 0]);
});

async function send({ path, body }: MatrixCall): Promise<Response> {
  const isForm = body instanceof FormData;
  return await fetch(`${gateway.url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${gateway.apiKey}`,
      ...(isForm ? {} : { 'content-type': 'application/json' }),
    },
    body: isForm ? body : JSON.stringify(body),
  });
}

async function get(path: string): Promise<Response> {
  const headers = { authorization: `Bearer ${gateway.apiKey}` };
  return await fetch(`${gateway.url}${path}`, { headers });
}

/** What of a reply shows that the operation was done. */
function assertMade(made: MatrixCall['made'], { json, text }: Reply): void {
  const data = (json['data'] ?? []) as readonly Readonly<Record<string, unknown>>[];
  switch (made) {
    case 'text':
      expect(text).toMatch(/"(?:text|content)":\s*"[^"]/);
      return;
    case 'vectors':
      expect(data.map(({ embedding }) => (embedding as readonly number[]).length > 0)).toEqual([
        true,
        true,
      ]);
      return;
    case 'verdicts':
      expect(json['results']).toMatchObject([{ flagged: false }]);
      return;
    case 'pictures': {
      expect(data).toHaveLength(1);
      const bytes = Buffer.from(String(data[0]?.['b64_json']), 'base64');
      expect(mediaTypeOf(bytes)).toMatch(/^image\//);
      return;
    }
    case 'voice':
      expect(json).toMatchObject({ object: 'voice', name: 'Narrator' });
      return;
    case 'sound':
    case 'clip':
      throw new Error(`${made} is no JSON`);
  }
}

async function assertClip(id: unknown): Promise<string> {
  let job: Readonly<Record<string, unknown>> = {};
  await eventually(async () => {
    job = (await (await get(`/v1/jobs/${String(id)}`)).json()) as typeof job;
    return job['status'] !== 'queued' && job['status'] !== 'running';
  });
  expect(job, JSON.stringify(job)).toMatchObject({ status: 'succeeded' });
  const content = await get(`/v1/videos/${String(id)}/content`);
  const bytes = Buffer.from(await content.arrayBuffer());
  expect(bytes.toString('latin1', 4, 8)).toBe('ftyp');
  return String(job['cost']);
}

async function assertDone(call: MatrixCall): Promise<string> {
  const response = await send(call);
  const id = response.headers.get('x-request-id') ?? '';
  if (call.made === 'sound') {
    const bytes = Buffer.from(await response.arrayBuffer());
    expect([response.status, response.ok ? '' : bytes.toString()]).toEqual([200, '']);
    expect(bytes.toString('latin1', 0, 4)).toBe('RIFF');
  } else {
    const reply = await readReply(response);
    expect(reply.status, reply.text).toBe(200);
    if (call.made === 'clip') return await assertClip(reply.json['id']);
    assertMade(call.made, reply);
  }
  const booked = await requestOf(gateway, id);
  expect(booked.hold?.state).toBe('settled');
  return booked.cost;
}

/** What is free at its provider. */
const FREE = new Set(['text.moderate', 'audio.clone_voice']);

describe.each(PROVIDERS.map(({ id }) => id))('%s', (id) => {
  const own = cells.filter(({ provider }) => provider === id);
  it.concurrent.each(own.map((cell) => [cell.row.operation, cell.model, cell] as const))(
    '%s: %s',
    async (operation, model, { row }) => {
      const cost = await assertDone(matrixCall(id, model, row));
      if (!FREE.has(operation)) expect(Number(cost)).toBeGreaterThan(0);
    },
  );
});

it('models of tables that have no price, and are refused until one is set', () => {
  const unpriced = cells.filter((cell) => !cell.isPriced);
  expect(unpriced.map(({ provider, model, row }) => `${row.operation} ${provider}/${model}`))
    .toMatchInlineSnapshot(`
      [
        "image.generate gemini/gemini-nano-banana-x",
        "image.edit gemini/gemini-nano-banana-x",
        "text.embed huggingface/sentence-transformers/all-MiniLM-L6-v2",
        "audio.speech huggingface/hexgrad/Kokoro-82M",
        "video.image_to_video huggingface/Wan-AI/Wan2.2-I2V-A14B",
        "image.edit fal/fal-ai/nano-banana-pro/edit",
        "image.face_swap fal/fal-ai/face-swap",
        "image.upscale fal/fal-ai/clarity-upscaler",
        "image.remove_background fal/fal-ai/bria/background/remove",
        "audio.transcribe fal/fal-ai/wizper",
        "audio.transcribe fal/fal-ai/whisper",
        "audio.translate fal/fal-ai/wizper",
        "audio.translate fal/fal-ai/whisper",
        "video.text_to_video fal/fal-ai/kling-video/v3/pro/text-to-video",
        "video.text_to_video fal/fal-ai/veo3.1",
        "video.text_to_video fal/fal-ai/veo3.1/fast",
        "video.image_to_video fal/fal-ai/kling-video/v3/pro/image-to-video",
        "image.upscale replicate/recraft-ai/recraft-crisp-upscale",
        "image.remove_background replicate/recraft-ai/recraft-remove-background",
        "video.text_to_video replicate/google/veo-3.1",
        "video.image_to_video replicate/bytedance/seedance-1-pro",
        "text.generate wavespeed-llm/some-model",
        "text.generate ollama/some-model",
        "text.generate vllm/some-model",
        "text.generate openai-compatible/some-model",
      ]
    `);
});
