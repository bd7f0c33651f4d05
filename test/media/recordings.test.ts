/**
 * Transcription through the running gateway: the length is measured, held in whole seconds, settled as the provider
 * counts it; what cannot be measured is refused before anything is asked.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { LimitInput } from '../../src/contracts/metering.ts';
import { openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, requestOf, usageOf } from '../support/running-gateway.ts';
import { recordingOf } from './files.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ config: 'simulators: on\nlimits:\n  maxBodyBytes:\n    audio: 100kb\n' });
});
afterEach(() => lab.simulator.reset());
afterAll(async () => {
  expect(await lab.openHolds()).toBe(0);
  await lab.close();
});

async function customerWith(...limits: readonly LimitInput[]) {
  return await createCustomerKey(lab.gateway, { limits });
}

const SECONDS = (amount: number): LimitInput => ({
  meter: 'transcription_seconds',
  window: 'period',
  amount,
});

interface Asked {
  readonly model?: string;
  readonly bytes?: Buffer;
  readonly fields?: Readonly<Record<string, string>>;
  readonly part?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly path?: string;
}

async function transcribe(key: string, asked: Asked = {}): Promise<Reply> {
  const form = new FormData();
  form.set('model', asked.model ?? 'openai/whisper-1');
  for (const [name, value] of Object.entries(asked.fields ?? {})) form.set(name, value);
  const bytes = new Uint8Array(asked.bytes ?? recordingOf(3700));
  form.set(asked.part ?? 'file', new Blob([bytes]), '../../etc/talk.exe');
  return await readReply(
    await fetch(`${lab.url}${asked.path ?? '/v1/audio/transcriptions'}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...asked.headers },
      body: form,
    }),
  );
}

describe('a recording', () => {
  it('is measured, held in whole seconds and settled as the provider counts', async () => {
    const customer = await customerWith(SECONDS(4));
    const reply = await transcribe(customer.apiKey);
    expect(reply.status).toBe(200);
    expect(reply.json['usage']).toEqual({ type: 'duration', seconds: 4, cost: '0.000400000' });
    const { totals } = await usageOf(lab.gateway, customer.externalId);
    expect(totals).toMatchObject({ transcription_seconds: 4, cost_usd: '0.000400000' });
    expect(lab.simulator.log[0]?.billed?.media).toEqual({ audioSeconds: 4 });
    const refused = await transcribe(customer.apiKey, { bytes: recordingOf(500) });
    expect(refused.error).toMatchObject({ code: 'limit_exceeded' });
    expect(lab.simulator.log).toHaveLength(1);
  });

  it('of many at once is held before any is asked', async () => {
    const customer = await customerWith(SECONDS(8));
    const replies = await Promise.all(Array.from({ length: 6 }, () => transcribe(customer.apiKey)));
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(2);
    expect(lab.simulator.log).toHaveLength(2);
  });

  it('reaches the provider as it came, under a name of the gateway', async () => {
    const customer = await customerWith();
    await transcribe(customer.apiKey, { fields: { language: 'en', prompt: 'ALwrity' } });
    const [call] = lab.simulator.log;
    expect(call?.requestBody).toContain('filename="file.wav"');
    expect(call?.requestBody).not.toContain('talk.exe');
    expect(call?.requestBody).toContain('ALwrity');
  });

  it('of a model sold by tokens is booked by them', async () => {
    const customer = await customerWith();
    const reply = await transcribe(customer.apiKey, { model: 'openai/gpt-4o-transcribe' });
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(booked).toMatchObject({
      estimated: false,
      usage: { input_audio_tokens: 37, audio_ms: 4000 },
    });
    expect(reply.json['usage']).toMatchObject({ type: 'tokens', input_tokens: 37 });
  });

  it('whose provider counts nothing is booked by its measured length', async () => {
    const customer = await customerWith();
    lab.simulator.setFault({ match: { model: 'whisper-1' }, sequence: ['no-usage'] });
    const reply = await transcribe(customer.apiKey);
    expect(reply.headers.get('x-gateway-cost')).toBe('0.000400000');
  });

  it('that a provider refuses costs nothing', async () => {
    const customer = await customerWith(SECONDS(4));
    lab.simulator.setFault({ match: { model: 'whisper-1' }, sequence: ['400', null] });
    expect((await transcribe(customer.apiKey)).status).toBe(400);
    expect((await transcribe(customer.apiKey)).status).toBe(200);
  });

  it('under an idempotency key is the same in a form with another boundary', async () => {
    const customer = await customerWith(SECONDS(4));
    const headers = { 'idempotency-key': 'talk-1' };
    const first = await transcribe(customer.apiKey, { headers });
    const second = await transcribe(customer.apiKey, { headers });
    expect(first.status).toBe(200);
    expect(second.headers.get('idempotency-replayed')).toBe('true');
    const other = await transcribe(customer.apiKey, { headers, bytes: recordingOf(100) });
    expect(other.error['code']).toBe('idempotency_mismatch');
  });

  it.each([
    ['that is none', { bytes: Buffer.from('just some text, no sound at all') }, 415, 'file'],
    ['that is empty', { bytes: Buffer.alloc(0) }, 400, 'file'],
    [
      'without a length',
      { bytes: Buffer.from('fLaC\u0000\u0000\u0000\u0022 nothing') },
      400,
      'file',
    ],
    ['in another part', { part: 'sound' }, 400, 'sound'],
    ['in an unknown form', { fields: { response_format: 'doc' } }, 400, 'response_format'],
    ['as a stream of a model that has none', { fields: { stream: 'true' } }, 400, 'stream'],
    [
      'with times of a model that has none',
      { model: 'openai/gpt-4o-transcribe', fields: { response_format: 'srt' } },
      400,
      'response_format',
    ],
    [
      'translated by a model that does not',
      { model: 'openai/gpt-4o-transcribe', path: '/v1/audio/translations' },
      400,
      'model',
    ],
  ])('%s is refused, and nothing is asked', async (_what, asked, status, param) => {
    const customer = await customerWith();
    const reply = await transcribe(customer.apiKey, asked);
    expect([reply.status, reply.error['param']]).toEqual([status, param]);
    expect(lab.simulator.log).toEqual([]);
  });

  it('larger than the route takes is refused', async () => {
    const customer = await customerWith();
    const reply = await transcribe(customer.apiKey, { bytes: recordingOf(10_000) });
    expect(reply.error['code']).toBe('payload_too_large');
  });

  it('may be named in JSON: as a data URL, or as an asset of one’s own', async () => {
    const customer = await customerWith(SECONDS(8));
    const other = await customerWith();
    const bytes = recordingOf(3700);
    const upload = await lab.call('/v1/assets', {
      body: bytes,
      key: customer.apiKey,
      headers: { 'content-type': 'audio/wav' },
    });
    const write = (file: unknown, key: string) =>
      lab.call('/v1/audio/transcriptions', { body: { model: 'openai/whisper-1', file }, key });
    const form = await transcribe(other.apiKey);
    const data = await write(`data:audio/wav;base64,${bytes.toString('base64')}`, customer.apiKey);
    const asset = await write(upload.json['id'], customer.apiKey);
    expect([data.json['text'], asset.json['text']]).toEqual([form.json['text'], form.json['text']]);
    expect((await write(upload.json['id'], other.apiKey)).status).toBe(404);
    const lies = await write(`data:audio/mpeg;base64,${bytes.toString('base64')}`, other.apiKey);
    expect([lies.status, lies.error['param']]).toEqual([400, 'file']);
  });

  it('that nothing names is refused with what to send', async () => {
    const reply = await lab.call('/v1/audio/transcriptions', { body: { model: 'sim/transcribe' } });
    expect([reply.status, reply.error['param']]).toEqual([400, 'file']);
  });

  it('named as an asset that is larger than the route takes is refused', async () => {
    const customer = await customerWith();
    const upload = await lab.call('/v1/assets', {
      body: recordingOf(10_000),
      key: customer.apiKey,
      headers: { 'content-type': 'audio/wav' },
    });
    const reply = await lab.call('/v1/audio/transcriptions', {
      body: { model: 'openai/whisper-1', file: upload.json['id'] },
      key: customer.apiKey,
    });
    expect([reply.status, reply.error['code']]).toEqual([413, 'payload_too_large']);
  });
});
