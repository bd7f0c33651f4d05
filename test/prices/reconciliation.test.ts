import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ADMIN_KEY, openLab, type Lab, type Reply } from '../support/lab.ts';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(() => lab.close());

function admin(path: string, body?: unknown): Promise<Reply> {
  return lab.call(`/admin/v1${path}`, { key: ADMIN_KEY, ...(body === undefined ? {} : { body }) });
}

function chat(model: string): Promise<Reply> {
  return lab.call('/v1/chat/completions', {
    body: { model, max_tokens: 40, messages: [{ role: 'user', content: 'Say it.' }] },
  });
}

interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
}

const HEADER = 'provider,date,model,requests,input_text_tokens,output_text_tokens,cost_usd';
const today = (): string => new Date().toISOString().slice(0, 10);

interface Line {
  readonly model: string;
  readonly status: string;
  readonly units: Record<string, { ours: number; theirs: number; difference: number }>;
  readonly cost: { ours: string; theirs: string; difference: string } | null;
}

describe('an invoice against the ledger', () => {
  it('is matched, lacking, unknown or different, to the token and the nano-dollar', async () => {
    const date = today();
    let [tokensIn, tokensOut, cost] = [0, 0, 0n];
    for (let call = 0; call < 3; call += 1) {
      const reply = await chat('openai/gpt-4.1');
      expect(reply.status).toBe(200);
      const usage = reply.json['usage'] as Usage;
      tokensIn += usage.prompt_tokens;
      tokensOut += usage.completion_tokens;
      cost += BigInt(String(reply.headers.get('x-gateway-cost')).replace('.', ''));
    }
    await chat('openai/gpt-4o-mini');
    await chat('gemini/gemini-2.5-pro');
    // The clock may pass midnight in between; the day is the dispatch's.
    expect(today()).toBe(date);
    const usd = (nano: bigint): string => `0.${String(nano).padStart(9, '0')}`;
    const row = (count: number, paid: bigint): string =>
      `openai,${date},gpt-4.1-2025-04-14,${count},${tokensIn},${tokensOut},${usd(paid)}`;

    const csv = [HEADER, row(3, cost), `openai,${date},gpt-9,1,10,10,0.5`].join('\n');
    const report = await admin('/reconciliation', { name: 'November', csv });
    expect(report.status).toBe(201);
    expect(report.json).toMatchObject({
      providers: ['openai'],
      from: date,
      to: date,
      rows: 2,
      lines: { matched: 1, differs: 0, ours_only: 1, theirs_only: 1 },
    });
    const id = String(report.json['id']);
    const shown = await admin(`/reconciliation/${id}`);
    const lines = shown.json['data'] as Line[];
    expect(lines.map(({ model, status }) => [model, status])).toEqual([
      ['gpt-4.1', 'matched'],
      ['gpt-4o-mini', 'ours_only'],
      ['gpt-9', 'theirs_only'],
    ]);
    expect(lines[0]?.units['requests']).toEqual({ ours: 3, theirs: 3, difference: 0 });
    expect(lines[2]?.cost).toMatchObject({ ours: '0.000000000', difference: '0.500000000' });

    // Sent again in another form and order, it is the same report.
    const ndjson = [
      { provider: 'openai', date, model: 'gpt-9', cost_usd: '0.50' },
      { provider: 'openai', date, model: 'gpt-4.1', cost_usd: usd(cost) },
    ].map((one) => JSON.stringify(one));
    const costs = await admin('/reconciliation', { ndjson: ndjson.join('\n') });
    const again = await admin('/reconciliation', { ndjson: ndjson.toReversed().join('\r\n') });
    expect(again.json['id']).toBe(costs.json['id']);
    expect(again.json['created_at']).toBe(costs.json['created_at']);
    expect((await admin('/reconciliation')).json['data']).toHaveLength(2);

    // One token and one nano-dollar too many are told.
    const differing = await admin('/reconciliation', {
      rows: [
        {
          provider: 'openai',
          hour: `${date}T00:00Z`,
          model: 'gpt-4.1',
          units: { output_text_tokens: tokensOut + 1 },
          cost_usd: usd(cost + 1n),
        },
      ],
    });
    const [differs] = (
      await admin(`/reconciliation/${String(differing.json['id'])}?status=differs`)
    ).json['data'] as Line[];
    expect(differs?.units).toEqual({
      output_text_tokens: { ours: tokensOut, theirs: tokensOut + 1, difference: 1 },
    });
    expect(differs?.cost?.difference).toBe('0.000000001');
  });

  it('counts what was booked since only when it is asked to', async () => {
    const rows = [{ provider: 'openai', date: today(), model: 'gpt-5-mini', cost_usd: '1' }];
    const first = await admin('/reconciliation', { rows });
    expect(first.json['lines']).toMatchObject({ theirs_only: 1 });
    await lab.call('/v1/chat/completions', {
      body: { model: 'openai/gpt-5-mini', messages: [{ role: 'user', content: 'Say it.' }] },
    });
    expect((await admin('/reconciliation', { rows })).json).toEqual(first.json);
    const fresh = await admin('/reconciliation', { rows, refresh: true });
    expect(fresh.json['id']).toBe(first.json['id']);
    expect(fresh.json['lines']).toMatchObject({ theirs_only: 0, differs: 1 });
  });

  it.each<[string, Readonly<Record<string, unknown>>, string]>([
    [
      'a cost that is none',
      { csv: `${HEADER}\nsim,2026-11-01,m,1,1,1,dear` },
      'line 2, column cost_usd',
    ],
    [
      'a count that is none',
      { csv: `${HEADER}\n\nsim,2026-11-01,m,1,x,1,1` },
      'line 3, column input_text_tokens',
    ],
    ['a day that is none', { csv: `${HEADER}\nsim,2026-02-30,m,1,1,1,1` }, 'line 2, column date'],
    ['a column that is none', { csv: 'provider,date,model,tokens\n' }, 'line 1, column 4'],
    ['too few fields', { csv: `${HEADER}\nsim,2026-11-01,m` }, 'line 2: has 3 fields'],
    ['an open quote', { csv: `${HEADER}\nsim,2026-11-01,"m,1,1,1,1` }, 'a quote is not closed'],
    ['a line that is no JSON', { ndjson: '{"a"' }, 'line 1: is no JSON'],
    [
      'a member that is none',
      { ndjson: '{"provider":"sim","date":"2026-11-01","model":"m","cost_usd":"1","x":1}' },
      'line 1, column x',
    ],
    [
      'neither units nor cost',
      { ndjson: '{"provider":"s","date":"2026-11-01","model":"m"}' },
      'line 1, column cost_usd',
    ],
    ['no rows', { csv: HEADER }, 'has no rows'],
    ['two forms at once', { csv: HEADER, ndjson: '{}' }, 'exactly one'],
  ])('is refused whole for %s', async (_name, body, expected) => {
    const before = (await admin('/reconciliation')).json['data'] as unknown[];
    const refused = await admin('/reconciliation', body);
    expect(refused.status).toBe(400);
    expect(refused.text).toContain(expected);
    expect((await admin('/reconciliation')).json['data']).toHaveLength(before.length);
  });
});
