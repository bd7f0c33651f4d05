/** Usage and its exports over HTTP: one number in every place. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../../src/cli/run-cli.ts';
import {
  callAdmin,
  createCustomerKey,
  startTestGateway,
  type CustomerKey,
  type TestGateway,
} from '../support/running-gateway.ts';

let gateway: TestGateway;
let customer: CustomerKey;
let costs: bigint;

function nano(usd: string): bigint {
  return BigInt(usd.replace('.', ''));
}

async function chat(key: string, tags: Readonly<Record<string, string>> | null): Promise<string> {
  const response = await fetch(`${gateway.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      ...(tags === null ? {} : { 'x-gateway-tags': JSON.stringify(tags) }),
    },
    body: JSON.stringify({ model: 'sim/chat', messages: [{ role: 'user', content: 'Hello' }] }),
  });
  await response.text();
  expect(response.status).toBe(200);
  return response.headers.get('x-gateway-cost') ?? '';
}

async function text(
  path: string,
  key: string,
): Promise<{ status: number; headers: Headers; text: string }> {
  const response = await fetch(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return { status: response.status, headers: response.headers, text: await response.text() };
}

interface Report {
  readonly totals: Readonly<Record<string, number>> & { readonly cost_usd: string };
  readonly groups: readonly {
    readonly key: Readonly<Record<string, string>>;
    readonly totals: Readonly<Record<string, number>> & { readonly cost_usd: string };
  }[];
  readonly projection: { readonly totals: unknown; readonly limits: unknown } | null;
}

beforeAll(async () => {
  gateway = await startTestGateway();
  customer = await createCustomerKey(gateway, {
    limits: [{ meter: 'cost_usd', window: 'period', amount: '5.00' }],
  });
  costs = 0n;
  for (const tags of [
    null,
    { project: '=cmd()' },
    { project: 'blog', team: 'red' },
    { team: 'red' },
  ]) {
    costs += nano(await chat(customer.apiKey, tags));
  }
});

afterAll(async () => {
  await gateway.stop();
});

describe('usage', () => {
  it.each([
    'provider',
    'model',
    'customer',
    'key',
    'plan',
    'modality',
    'operation',
    'tag:project',
    'tag:team',
  ])('is one number by %s and in all, in both planes', async (name) => {
    const query = `group_by=${name}&bucket=day`;
    const own = JSON.parse((await text(`/v1/usage?${query}`, customer.apiKey)).text) as Report;
    const admin = await callAdmin<Report>(
      gateway,
      `GET /usage?customer=${customer.externalId}&${query}`,
    );
    for (const { totals, groups } of [own, admin]) {
      expect(totals['requests']).toBe(4);
      expect(nano(totals.cost_usd)).toBe(costs);
      expect(groups.reduce((sum, group) => sum + nano(group.totals.cost_usd), 0n)).toBe(costs);
      expect(groups.reduce((sum, group) => sum + (group.totals['requests'] ?? 0), 0)).toBe(4);
    }
    expect(own.groups).toEqual(admin.groups.map(({ key, totals }) => ({ key, totals })));
  });

  it('tells apart by tag, plan and modality', async () => {
    const report = await callAdmin<Report>(
      gateway,
      `GET /usage?customer=${customer.externalId}&group_by=tag:team,plan,modality`,
    );
    const names = report.groups.map(({ key, totals }) => [key, totals['requests']]);
    const common = { plan: customer.planId, modality: 'text' };
    expect(names).toEqual([
      [{ 'tag:team': '(none)', ...common }, 2],
      [{ 'tag:team': 'red', ...common }, 2],
    ]);
  });

  it('projects nothing at the start of a period, and says from when it does', async () => {
    const own = JSON.parse((await text('/v1/usage', customer.apiKey)).text) as Report;
    expect(own.projection).toMatchObject({ totals: null, limits: [] });
    const ranged = JSON.parse(
      (await text('/v1/usage?from=2026-01-01', customer.apiKey)).text,
    ) as Report;
    expect(ranged.projection).toBeNull();
  });

  it.each([
    ['group_by=colour', 'group_by'],
    ['group_by=tag:a,tag:b', 'group_by'],
    ['bucket=week', 'bucket'],
    ['from=2026-02-30', 'from'],
    ['from=2026-02-02&to=2026-02-01', 'to'],
    ['colour=red', 'colour'],
  ])('refuses ?%s naming %s', async (query, param) => {
    const reply = await text(`/v1/usage?${query}`, customer.apiKey);
    expect(reply.status).toBe(400);
    expect(JSON.parse(reply.text)).toMatchObject({ error: { code: 'invalid_request', param } });
  });
});

describe('exports', () => {
  it('sends usage as CSV that no spreadsheet runs', async () => {
    const query = `customer=${customer.externalId}&group_by=tag:project`;
    const reply = await text(`/admin/v1/usage/export?${query}`, gateway.adminKey);
    expect(reply.headers.get('content-type')).toMatch(/^text\/csv/);
    expect(reply.headers.get('content-disposition')).toMatch(
      /^attachment; filename="usage-.*\.csv"$/,
    );
    const [head = '', ...lines] = reply.text.trimEnd().split('\r\n');
    const cost = head.split(',').indexOf('cost_usd');
    expect(head).toMatch(/^bucket,tag:project,requests,/);
    expect(lines.map((line) => line.split(',')[1])).toEqual(['(none)', "'=cmd()", 'blog']);
    expect(lines.reduce((sum, line) => sum + nano(line.split(',')[cost] ?? ''), 0n)).toBe(costs);
  });

  it('sends a key its own usage, as NDJSON', async () => {
    const reply = await text('/v1/usage/export?format=ndjson&group_by=model', customer.apiKey);
    const rows = reply.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toHaveLength(1);
    expect(rows[0]).toMatchObject({ model: 'sim/chat', requests: 4, images: 0 });
    expect(nano(String(rows[0]?.['cost_usd']))).toBe(costs);
  });

  it('sends requests, and those of one customer', async () => {
    const path = `/admin/v1/requests/export?customer=${customer.externalId}`;
    const csv = await text(path, gateway.adminKey);
    expect(csv.text.trimEnd().split('\r\n')).toHaveLength(5);
    const lines = await text(`${path}&format=ndjson`, gateway.adminKey);
    const rows = lines.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { cost: string });
    expect(rows.reduce((sum, { cost }) => sum + nano(cost), 0n)).toBe(costs);
  });

  it('refuses with a problem, before anything is sent', async () => {
    for (const query of ['format=xlsx', 'customer=nobody', 'bucket=hour&from=1990-01-01']) {
      const reply = await text(`/admin/v1/usage/export?${query}`, gateway.adminKey);
      expect([400, 404]).toContain(reply.status);
      expect(reply.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  it('is written to a file by the command line', async () => {
    const file = join(gateway.dataDir, 'usage.csv');
    const said: string[] = [];
    const code = await runCli(
      [
        'usage',
        'export',
        '--customer',
        customer.externalId,
        '--output',
        file,
        '--url',
        gateway.url,
      ],
      {
        environment: { GATEWAY_ADMIN_KEY: gateway.adminKey },
        workingDirectory: gateway.dataDir,
        stdout: { write: (piece: string) => said.push(piece) },
        stderr: { write: (piece: string) => said.push(piece) },
        stdin: (async function* () {})(),
        invocation: 'alwrity-gateway',
        stopRequested: () => Promise.resolve(),
      },
    );
    expect(said.join('')).toContain('Written to');
    expect(code).toBe(0);
    expect(readFileSync(file, 'utf8')).toMatch(/^bucket,requests,/);
    expect(existsSync(`${file}.partial`)).toBe(false);
  });
});
