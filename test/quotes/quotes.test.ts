/**
 * Quotes over HTTP: the verdict on a whole workflow, what it holds, and calls that draw on it.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { LimitInput } from '../../src/contracts/metering.ts';
import { eventually, openLab, readReply, type Lab, type Reply } from '../support/lab.ts';
import {
  callAdmin,
  createCustomerKey,
  startTestGateway,
  verifyLedger,
  type TestGateway,
} from '../support/running-gateway.ts';
import { clientOf, SDKS } from '../sdk-compat/sdks.ts';

interface ShownOperation {
  readonly id: string;
  readonly allowed: boolean;
  readonly model: string | null;
  readonly cost: Readonly<Record<'min' | 'expected' | 'max', string>> | null;
  readonly confidence: string | null;
  readonly blocked_by: readonly string[];
  readonly reason: { readonly code: string; readonly message: string } | null;
  readonly actions: readonly Readonly<Record<string, unknown>>[];
}

interface ShownQuote {
  readonly id: string;
  readonly can_proceed: boolean;
  readonly expires_at: string;
  readonly total: Readonly<Record<string, string>>;
  readonly operations: readonly ShownOperation[];
  readonly limits: readonly Readonly<Record<string, string>>[];
  readonly hold: {
    readonly token: string;
    readonly legs: readonly { readonly uses_left: number; readonly state: string }[];
  } | null;
  readonly warnings: readonly { readonly code: string }[];
}

let lab: Lab;
beforeAll(async () => {
  lab = await openLab({ providers: 'none' });
});
afterAll(async () => {
  await lab.close();
});

async function customerWith(limits: readonly LimitInput[]): Promise<string> {
  const plan = { price_usd: { month: '1', year: '10' } };
  return (await createCustomerKey(lab.gateway, { limits, plan })).apiKey;
}

async function quote(key: string, body: unknown): Promise<ShownQuote> {
  const reply = await lab.call('/v1/quotes', { key, body });
  expect(reply.status, reply.text).toBe(200);
  return reply.json as unknown as ShownQuote;
}

function draft(more: object = {}): object {
  return {
    id: 'draft',
    type: 'text.generate',
    model: 'sim/chat',
    input: { tokens: 1000 },
    output: { max_tokens: 500 },
    ...more,
  };
}

function chat(more: object = {}): object {
  return {
    model: 'sim/chat',
    messages: [{ role: 'user', content: 'Say hello' }],
    max_tokens: 40,
    ...more,
  };
}

function call(key: string, quoted: string, body: object = chat()): Promise<Reply> {
  return lab.call('/v1/chat/completions', { key, headers: { 'x-gateway-quote': quoted }, body });
}

/** 1,000 tokens in at $0.10 and 500 out at $0.40 a million. */
const DRAFT_USD = '0.000300000';

describe('the verdict', () => {
  it('prices a workflow of every modality, in order, against all limits', async () => {
    const key = await customerWith([
      { meter: 'cost_usd', window: 'period', amount: '0.05' },
      { meter: 'images', window: 'period', amount: 3 },
      { meter: 'requests', window: 'minute', amount: 20 },
      { meter: 'video_clips', window: 'period', amount: 'disabled' },
    ]);
    const shown = await quote(key, {
      operations: [
        draft({ count: 2 }),
        {
          id: 'hero',
          type: 'image.generate',
          model: 'sim/image',
          image: { n: 4, size: '1024x1024' },
        },
        { id: 'vo', type: 'audio.speech', model: 'sim/speech', input: { chars: 540 } },
        { id: 'clip', type: 'video.generate', model: 'sim/video', video: { seconds: 5 } },
        { id: 'more', type: 'audio.speech', model: 'sim/speech', input: { chars: 4500 } },
        { id: 'ghost', type: 'text.generate', model: 'nobody/knows', input: { tokens: 1 } },
        { id: 'mute', type: 'text.generate', model: 'sim/embed', input: { tokens: 1 } },
      ],
    });
    expect(shown.can_proceed).toBe(false);
    expect(shown.hold).toBeNull();
    const verdicts = shown.operations.map(({ id, allowed, reason }) => [id, allowed, reason?.code]);
    expect(verdicts).toEqual([
      ['draft', true, undefined],
      ['hero', false, 'limit_exceeded'],
      ['vo', true, undefined],
      ['clip', false, 'not_in_plan'],
      ['more', false, 'limit_held'],
      ['ghost', false, 'model_not_found'],
      ['mute', false, 'unpriced_model'],
    ]);
    const [first, hero, , , , ghost] = shown.operations;
    expect(first?.cost).toMatchObject({ max: '0.000600000' });
    expect(first?.confidence).toBe('bounded');
    expect(hero).toMatchObject({ blocked_by: ['images/period'], confidence: 'exact' });
    expect(hero?.actions).toContainEqual({ do: 'reduce', param: 'image.n', max: 3 });
    expect(ghost?.cost).toBeNull();
    expect(shown.limits).toContainEqual(
      expect.objectContaining({
        id: 'images/period',
        used: '0',
        requested: '4',
        remaining: '3',
        after: '-1',
        on_breach: 'deny',
      }),
    );
    expect(shown.limits.map(({ id }) => id)).toContain('requests/minute');
    expect(shown.warnings.map(({ code }) => code)).toContain('cost_unknown');
    const read = await lab.call(`/v1/quotes/${shown.id}`, { key });
    expect(read.json).toEqual(shown);
  });

  it('says how many tokens are affordable, which model would do, and which plan', async () => {
    const key = await customerWith([{ meter: 'output_tokens', window: 'period', amount: 300 }]);
    const shown = await quote(key, { operations: [draft({ count: 2 })] });
    expect(shown.operations[0]).toMatchObject({
      reason: { code: 'limit_exceeded' },
      actions: expect.arrayContaining([
        { do: 'reduce', param: 'output.max_tokens', max: 150 },
        expect.objectContaining({ do: 'upgrade' }),
      ]),
    });
  });

  it('refuses unknown members and types as a whole, naming the path', async () => {
    const key = await customerWith([]);
    const cases: readonly (readonly [unknown, string])[] = [
      [{ operations: [draft({ colour: 'red' })] }, 'operations[0].colour'],
      [{ operations: [draft({ type: 'text.sing' })] }, 'operations[0].type'],
      [{ operations: [draft({ image: { n: 1 } })] }, 'operations[0].image'],
      [{ operations: [draft(), draft()] }, 'operations[1].id'],
      [{ operations: [draft({ input: { tokens: 1, chars: 1 } })] }, 'operations[0].input'],
      [{ operations: [] }, 'operations'],
      [{ operations: [draft()], hold: { mode: 'some' } }, 'hold.mode'],
      [{ operations: [draft()], hold: { mode: 'all', ttl_s: 901 } }, 'hold.ttl_s'],
      [{ operations: [draft()], dry: true }, 'dry'],
    ];
    for (const [body, param] of cases) {
      const reply = await lab.call('/v1/quotes', { key, body });
      expect([reply.status, reply.error['param']], param).toEqual([400, param]);
    }
  });

  it('is that of a call where a model, or every provider, lacks the operation', async () => {
    const key = await customerWith([]);
    const of = (id: string, type: string, model: string) => ({
      id,
      type,
      model,
      input: { tokens: 9 },
    });
    const { operations } = await quote(key, {
      operations: [
        of('judge', 'text.moderate', 'sim/moderate'),
        of('wrong', 'text.moderate', 'nobody/judge'),
        of('sort', 'text.rerank', 'sim/chat'),
      ],
    });
    expect(operations.map(({ id, allowed, reason }) => [id, allowed, reason?.code])).toEqual([
      ['judge', true, undefined],
      ['wrong', false, 'model_not_found'],
      ['sort', false, 'invalid_request'],
    ]);
    expect(operations[2]?.reason?.message).toBe('No provider of this gateway does text.rerank.');
  });

  it('is answered on the alias too, and only to its own customer', async () => {
    const key = await customerWith([]);
    const other = await customerWith([]);
    const reply = await lab.call('/v1/preflight', { key, body: { operations: [draft()] } });
    expect(reply.json).toMatchObject({ object: 'quote', can_proceed: true });
    for (const method of ['GET', 'DELETE']) {
      const foreign = await lab.call(`/v1/quotes/${String(reply.json['id'])}`, {
        key: other,
        method,
      });
      expect(foreign.status).toBe(404);
    }
  });
});

describe('a held quote', () => {
  it('keeps its funds from others and gives them to its own calls', async () => {
    const key = await customerWith([{ meter: 'cost_usd', window: 'period', amount: DRAFT_USD }]);
    const { hold, can_proceed } = await quote(key, {
      operations: [draft()],
      hold: { mode: 'all_or_nothing' },
    });
    expect(can_proceed).toBe(true);
    const token = hold?.token ?? '';
    const other = await lab.call('/v1/chat/completions', { key, body: chat() });
    expect([other.status, other.error['code']]).toEqual([429, 'limit_held']);
    const own = await call(key, `${token};op=draft`);
    expect(own.status, own.text).toBe(200);
    const again = await call(key, token);
    expect([again.status, again.error['code'], again.error['param']]).toEqual([
      422,
      'invalid_request',
      'x-gateway-quote',
    ]);
    const after = await lab.call('/v1/chat/completions', { key, body: chat() });
    expect(after.status, 'the unused rest is free again').toBe(200);
    expect(await lab.openHolds()).toBe(0);
  });

  it('is not refused for being written out: quoted tokens are tokens, not bytes', async () => {
    const key = await customerWith([{ meter: 'cost_usd', window: 'period', amount: DRAFT_USD }]);
    const { hold } = await quote(key, { operations: [draft()], hold: { mode: 'all' } });
    const messages = [{ role: 'user', content: 'word '.repeat(700) }];
    const own = await call(key, hold?.token ?? '', chat({ messages, max_tokens: 500 }));
    expect(own.status, own.text).toBe(200);
    const next = await quote(key, {
      operations: [draft({ input: { tokens: 10 } })],
      hold: { mode: 'all' },
    });
    const long = await call(key, next.hold?.token ?? '', chat({ messages, max_tokens: 500 }));
    expect([long.status, long.error['code']]).toEqual([429, 'limit_exceeded']);
    await lab.call(`/v1/quotes/${next.id}`, { key, method: 'DELETE' });
  });

  it('serves fifty parallel calls exactly ten uses', async () => {
    const key = await customerWith([{ meter: 'requests', window: 'period', amount: 10 }]);
    const { id, hold } = await quote(key, {
      operations: [draft({ count: 10 })],
      hold: { mode: 'all' },
    });
    const token = hold?.token ?? '';
    const replies = await Promise.all(Array.from({ length: 50 }, () => call(key, token)));
    const statuses = replies.map(({ status }) => status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(10);
    expect(statuses.filter((status) => status === 422)).toHaveLength(40);
    const read = await lab.call(`/v1/quotes/${id}`, { key });
    expect(read.json['hold']).toMatchObject({ legs: [{ uses: 10, uses_left: 0, state: 'used' }] });
    expect(await lab.openHolds()).toBe(0);
  });

  it('frees the rest when it is deleted or has expired', async () => {
    const key = await customerWith([{ meter: 'requests', window: 'period', amount: 3 }]);
    const made = await quote(key, { operations: [draft({ count: 3 })], hold: { mode: 'all' } });
    expect((await call(key, made.hold?.token ?? '')).status).toBe(200);
    const deleted = await lab.call(`/v1/quotes/${made.id}`, { key, method: 'DELETE' });
    expect(deleted.json).toMatchObject({
      deleted: true,
      hold: { legs: [{ uses_left: 0, state: 'released' }] },
    });
    expect((await call(key, made.hold?.token ?? '')).error['message']).toContain('released');
    const short = await quote(key, {
      operations: [draft({ count: 2 })],
      hold: { mode: 'all', ttl_s: 1 },
    });
    expect(short.hold?.legs).toMatchObject([{ uses_left: 2 }]);
    await eventually(async () => {
      const reply = await lab.call('/v1/chat/completions', { key, body: chat() });
      return reply.status === 200;
    });
    const late = await call(key, short.hold?.token ?? '');
    expect([late.status, late.error['message']]).toEqual([422, expect.stringContaining('expired')]);
    const read = await lab.call(`/v1/quotes/${short.id}`, { key });
    expect(read.json['hold']).toMatchObject({ legs: [{ uses_left: 0, state: 'expired' }] });
    expect(await lab.openHolds()).toBe(0);
  });

  it('is made once under an idempotency key, however often it is asked for', async () => {
    const key = await customerWith([{ meter: 'requests', window: 'period', amount: 3 }]);
    const body = { operations: [draft({ count: 2 })], hold: { mode: 'all' } };
    const headers = { 'idempotency-key': 'workflow-7' };
    const ask = (more: object = {}) =>
      lab.call('/v1/quotes', { key, headers, body: { ...body, ...more } });
    const first = await ask();
    const again = await ask();
    expect(again.json).toEqual(first.json);
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    const other = await ask({ hold: { mode: 'none' } });
    expect([other.status, other.error['code']]).toEqual([422, 'idempotency_mismatch']);
    const limits = await lab.call('/v1/limits', { key });
    expect(limits.json['limits']).toMatchObject([{ held: '2' }]);
    await lab.call(`/v1/quotes/${String(first.json['id'])}`, { key, method: 'DELETE' });
  });

  it('tells apart what does not fit it, what is forged, and what is another customer’s', async () => {
    const key = await customerWith([]);
    const other = await customerWith([]);
    const { hold } = await quote(key, { operations: [draft()], hold: { mode: 'all' } });
    const token = hold?.token ?? '';
    expect((await call(other, token)).status).toBe(404);
    const wrong = [`${token};op=ghost`, `${token.slice(0, -2)}aa`, 'qt_1', `${token} ;op`];
    for (const text of wrong) {
      const reply = await call(key, text);
      expect([reply.status, reply.error['param']], text).toEqual([422, 'x-gateway-quote']);
    }
    expect((await call(key, `${token};op=draft`)).status).toBe(200);
  });

  it.each(SDKS.map((sdk) => [sdk.name, sdk] as const))(
    'runs through %s, whole and streamed',
    async (_name, sdk) => {
      const key = await customerWith([{ meter: 'requests', window: 'period', amount: 2 }]);
      const { hold } = await quote(key, {
        operations: [draft({ count: 2 })],
        hold: { mode: 'all' },
      });
      const client = clientOf(sdk, lab.url, key);
      const headers = { 'x-gateway-quote': hold?.token ?? '' };
      const body = {
        model: 'sim/chat',
        messages: [{ role: 'user' as const, content: 'Hi' }],
        max_tokens: 20,
      };
      const whole = await client.chat.completions.create(body, { headers });
      expect(whole.choices[0]?.message.content).toBeTruthy();
      const stream = await client.chat.completions.create({ ...body, stream: true }, { headers });
      let text = '';
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
      expect(text).not.toBe('');
      await expect(client.chat.completions.create(body, { headers })).rejects.toMatchObject({
        status: 422,
      });
    },
  );

  it('expects what the customer’s own calls have come to, once there are fifty', async () => {
    const key = await customerWith([]);
    const before = (await quote(key, { operations: [draft()] })).operations[0]?.cost;
    const body = chat({ max_tokens: 16 });
    await Promise.all(
      Array.from({ length: 50 }, () => lab.call('/v1/chat/completions', { key, body })),
    );
    const after = (await quote(key, { operations: [draft()] })).operations[0]?.cost;
    expect(after?.expected).not.toBe(before?.expected);
    expect(after?.max).toBe(before?.max);
  });
});

describe('across a restart', () => {
  /** Nano-USD for a million tokens. */
  const prices = (input: number, output: number): string => `
models:
  prices:
    - provider: sim
      model: chat
      rates:
        input_text_tokens: ${input}
        output_text_tokens: ${output}
`;

  async function send(
    gateway: TestGateway,
    path: string,
    key: string,
    { body, quoted }: { body: unknown; quoted?: string },
  ) {
    const headers = {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(quoted === undefined ? {} : { 'x-gateway-quote': quoted }),
    };
    const init = { method: 'POST', headers, body: JSON.stringify(body) };
    return readReply(await fetch(`${gateway.url}${path}`, init));
  }

  it('a held quote stays valid: its funds, its plan and its prices', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'gateway-quotes-'));
    try {
      let gateway = await startTestGateway({
        dataDir,
        config: prices(1_000_000_000, 2_000_000_000),
      });
      const limits: LimitInput[] = [{ meter: 'cost_usd', window: 'period', amount: '0.002' }];
      const { apiKey: key, planId } = await createCustomerKey(gateway, { limits });
      const body = { operations: [draft()], hold: { mode: 'all' } };
      const made = await send(gateway, '/v1/quotes', key, { body });
      expect(made.json).toMatchObject({ can_proceed: true, total: { max: '0.002000000' } });
      await gateway.stop();
      gateway = await startTestGateway({ dataDir, config: prices(50_000_000_000, 90_000_000_000) });
      await callAdmin(gateway, `POST /plans/${planId}/versions`, {
        id: planId,
        name: 'lowered',
        limits: [{ meter: 'cost_usd', window: 'period', amount: '0.000001' }],
        apply: 'now',
      });
      const { token } = made.json['hold'] as { token: string };
      const own = await send(gateway, '/v1/chat/completions', key, {
        body: chat({ max_tokens: 500 }),
        quoted: token,
      });
      expect(own.status, own.text).toBe(200);
      const { prompt_tokens, completion_tokens } = own.json['usage'] as Record<string, number>;
      const nano = (prompt_tokens ?? 0) * 1000 + (completion_tokens ?? 0) * 2000;
      expect(own.headers.get('x-gateway-cost'), 'the quoted price').toBe(
        `0.${String(nano).padStart(9, '0')}`,
      );
      const refused = await send(gateway, '/v1/chat/completions', key, { body: chat() });
      expect(refused.error['code'], 'without a quote the lowered plan stands').toBe(
        'limit_exceeded',
      );
      expect(await verifyLedger(gateway)).toMatchObject({ ok: true, open_holds: 0 });
      await gateway.stop();
    } finally {
      rmSync(dataDir, { recursive: true, force: true });
    }
  });
});
