/**
 * The rows of the stream matrix (reliability §1.3) that concern chat, as the gateway sends them when its upstream
 * breaks: both majors of the official client raise, and never take a cut answer for a whole one.
 *
 * @module
 */
import type OpenAI from 'openai';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { MULTI_BYTE_SAMPLE } from '../../src/simulators/core/text.ts';
import { eventually, modelsOf, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { requestOf } from '../support/running-gateway.ts';
import { clientOf, SDKS } from './sdks.ts';
import { installWireTap, type WireTap } from './wire-tap.ts';

const messages = [{ role: 'user' as const, content: 'Say hello' }];
/** A relayed and a translated upstream. */
const PROVIDERS = ['openai', 'gemini'] as const;
type Provider = (typeof PROVIDERS)[number];
const CASES = SDKS.flatMap((sdk) =>
  PROVIDERS.map((provider) => [sdk.name, provider, sdk] as const),
);

let lab: Lab;
let tap: WireTap;
const unused: Record<Provider, string[]> = { openai: [], gemini: [] };
beforeAll(async () => {
  // One event at a time: what breaks does so after what came before it has gone out.
  lab = await openLab({ perTokenMs: 2 });
  for (const provider of PROVIDERS) unused[provider] = await modelsOf(lab, provider);
  tap = installWireTap(lab.url);
});
afterEach(async () => {
  lab.simulator.reset();
  expect(tap.check().problems).toEqual([]);
  expect(await lab.openHolds()).toBe(0);
});
afterAll(async () => {
  tap.remove();
  await lab.close();
});

/** A model that no other test uses, since a target that breaks is spared by later calls, and its fault for ever. */
function brokenModel(provider: Provider, fault: string): string {
  const model = unused[provider].shift();
  if (model === undefined) throw new Error(`No ${provider} model is left`);
  lab.simulator.setFault({ sequence: [fault], repeat: 'last' });
  return model;
}

interface Outcome {
  readonly text: string;
  readonly finish: string | null;
  readonly thrown: unknown;
  readonly requestId: string;
}

async function plainLoop(client: OpenAI, model: string, stop?: string): Promise<Outcome> {
  let text = '';
  let finish: string | null = null;
  const { data, request_id } = await client.chat.completions
    .create({ model, messages, stream: true, ...(stop === undefined ? {} : { stop }) })
    .withResponse();
  const outcome = (thrown: unknown): Outcome => ({
    text,
    finish,
    thrown,
    requestId: request_id ?? '',
  });
  try {
    for await (const chunk of data) {
      text += chunk.choices[0]?.delta.content ?? '';
      finish = chunk.choices[0]?.finish_reason ?? finish;
    }
  } catch (error) {
    return outcome(error);
  }
  return outcome(null);
}

const BREAKS = [
  ['F9: a reset', 'reset-after-12'],
  ['F10: an end before the finish reason', 'eof-after-12'],
  ['F10: an end without the last chunk of the framing', 'close-after-12'],
  ['F11: an end inside an event', 'half-event-after-12'],
  ['F11: an end inside a character', 'half-utf8-after-12'],
  ['F16: an event that is not JSON', 'bad-event-12'],
  ['F24: an error event', 'error-after-12'],
  ['F25: a bare error after the last event', 'bare-error-after-12'],
] as const;

describe.each(CASES)('%s, %s', (_name, provider, sdk) => {
  it.each(BREAKS)(
    'R1, §1.3: %s: APIError, and what was delivered is booked',
    async (_what, fault) => {
      const model = brokenModel(provider, fault);
      const client = clientOf(sdk, lab.url, SERVICE_KEY);
      const loop = await plainLoop(client, model);
      expect(loop.text).not.toBe('');
      expect(loop.finish).toBeNull();
      expect(loop.thrown).toBeInstanceOf(sdk.OpenAI.APIError);
      expect(loop.thrown).toMatchObject({ code: 'stream_interrupted', type: 'server_error' });
      const booked = await requestOf(lab.gateway, loop.requestId);
      expect(booked).toMatchObject({ status: 502, error_code: 'stream_interrupted' });
      expect(Number(booked.cost)).toBeGreaterThan(0);
      const helper = client.chat.completions.stream({ model, messages });
      const raised: unknown = await helper.finalChatCompletion().then(
        () => null,
        (error: unknown) => error,
      );
      expect(raised).toBeInstanceOf(sdk.OpenAI.APIError);
    },
  );

  it('F10, U2: only the end marker is missing: a whole answer', async () => {
    const model = brokenModel(provider, 'no-done');
    const loop = await plainLoop(clientOf(sdk, lab.url, SERVICE_KEY), model);
    expect(loop).toMatchObject({ thrown: null, finish: 'stop' });
  });

  it.each(['framing-all', 'one-byte', 'split-utf8'])(
    'F17, F18, §1.3: %s: the same text as without',
    async (fault) => {
      const model = brokenModel(provider, fault);
      const client = clientOf(sdk, lab.url, SERVICE_KEY);
      // Cut short, since a byte at a time takes its time.
      const bent = await plainLoop(client, model, '".');
      lab.simulator.reset();
      const whole = await plainLoop(client, model, '".');
      expect(bent).toMatchObject({ thrown: null, finish: 'stop' });
      expect(whole.text).toBe('[simulated] You asked: "Say hello');
      const extra = fault === 'split-utf8' ? `${MULTI_BYTE_SAMPLE} ` : '';
      expect(bent.text).toBe(`[simulated] ${extra}You asked: "Say hello`);
    },
  );

  it('F40: the client aborts in mid-stream: cancelled upstream, settled, no hold open', async () => {
    const model = brokenModel(provider, 'stall-after-5');
    const client = clientOf(sdk, lab.url, SERVICE_KEY);
    const { data, request_id } = await client.chat.completions
      .create({ model, messages, stream: true })
      .withResponse();
    let seen = 0;
    for await (const chunk of data) {
      if ((chunk.choices[0]?.delta.content ?? '') !== '') seen += 1;
      if (seen === 3) break;
    }
    await eventually(() => lab.simulator.log.every((entry) => entry.outcome !== 'open'));
    expect(lab.simulator.log[0]).toMatchObject({ clientClosedEarly: true });
    expect(await lab.openHolds()).toBe(0);
    const booked = await requestOf(lab.gateway, request_id ?? '');
    expect(booked).toMatchObject({ client_closed: true, error_code: null });
    expect(Number(booked.cost)).toBeGreaterThan(0);
    lab.simulator.reset();
    expect(await plainLoop(client, model)).toMatchObject({ thrown: null, finish: 'stop' });
  });
});

describe.each(SDKS)('$name', (sdk) => {
  it('F39, F41: a call that is abandoned before its answer leaves no hold', async () => {
    const model = brokenModel('openai', 'stall-headers');
    const client = clientOf(sdk, lab.url, SERVICE_KEY);
    for (const stream of [false, true]) {
      const controller = new AbortController();
      const call = client.chat.completions.create(
        { model, messages, stream },
        { signal: controller.signal },
      );
      const failed = expect(call).rejects.toBeInstanceOf(sdk.OpenAI.APIUserAbortError);
      await eventually(() => lab.simulator.log.some((entry) => entry.outcome === 'open'));
      controller.abort();
      await failed;
      await eventually(() => lab.simulator.log.every((entry) => entry.outcome !== 'open'));
      expect(await lab.openHolds()).toBe(0);
    }
  });

  it('F27: a stream without usage is estimated, and says so', async () => {
    const model = brokenModel('openai', 'no-usage');
    const client = clientOf(sdk, lab.url, SERVICE_KEY);
    const stream = client.chat.completions.stream({ model, messages });
    const final = await stream.finalChatCompletion();
    expect(final.usage).toMatchObject({ estimated: true });
    expect(final.usage?.completion_tokens).toBeGreaterThan(0);
  });
});
