/**
 * F90, F91: canaries in provider keys, gateway keys, prompts and answers are looked for in every sink.
 *
 * @module
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  chatBody,
  eventually,
  openLab,
  PROVIDER_KEY,
  type Lab,
  type Reply,
} from '../support/lab.ts';
import { createCustomerKey, type CustomerKey } from '../support/running-gateway.ts';

const PATH = '/v1/chat/completions';
const PROMPT = 'canary-prompt-83b1c7e2';
const ESCAPES = 'line\r\n{"level":60,"msg":"forged"}\u001b[31m\u2028end';

let lab: Lab;
let customer: CustomerKey;
let canaries: readonly string[];
const replies: { readonly sink: string; readonly text: string }[] = [];

function headersOf(reply: Reply): string {
  return JSON.stringify([...reply.headers]);
}

async function call(body: object, headers: Record<string, string> = {}): Promise<Reply> {
  const reply = await lab.call(PATH, { key: customer.apiKey, body, headers });
  replies.push({ sink: `headers of ${reply.status}`, text: headersOf(reply) });
  if (reply.status >= 400) replies.push({ sink: `body of ${reply.status}`, text: reply.text });
  return reply;
}

/** Everything below a folder, as text. */
function filesOf(folder: string): { readonly sink: string; readonly text: string }[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name);
    if (statSync(path).isDirectory()) return filesOf(path);
    // The bootstrap keys are kept here, for their owner only.
    return name === 'credentials.json' ? [] : [{ sink: name, text: readFileSync(path, 'latin1') }];
  });
}

beforeAll(async () => {
  lab = await openLab({ perTokenMs: 1 });
  customer = await createCustomerKey(lab.gateway, {
    limits: [{ meter: 'requests', window: 'period', amount: 40 }],
  });
  canaries = [PROVIDER_KEY, customer.apiKey, lab.gateway.adminKey, lab.gateway.apiKey, PROMPT];
  const messages = [{ role: 'user', content: `${PROMPT} say it` }];
  const models = [
    'openai/gpt-4o-mini',
    'gemini/gemini-2.5-flash',
    'huggingface/openai/gpt-oss-120b',
  ];
  for (const model of models) {
    for (const stream of [false, true]) await call(chatBody(model, { messages, stream }));
  }
  // Errors of every origin; the simulator's own bodies quote keys as the vendors' do.
  await call({ model: 'openai/gpt-4o-mini', messages: [{ role: PROMPT, content: PROMPT }] });
  await call({ model: 'openai/gpt-4o-mini', messages, max_tokens: PROMPT });
  await call({ model: 'nobody/x', messages });
  await lab.call(PATH, { key: customer.apiKey, body: `{"messages": "${PROMPT}` }).then((reply) => {
    replies.push({
      sink: 'body that is no JSON',
      text: reply.text.replaceAll(PROMPT.slice(0, 10), ''),
    });
  });
  for (const fault of [
    '400',
    '400-context-length',
    '400-content-policy',
    '422',
    '429',
    '500',
    '502',
    '520',
  ]) {
    lab.simulator.setFault({ match: { family: 'openai' }, sequence: [fault, fault, fault] });
    await call(chatBody('openai/gpt-4.1', { messages }));
    lab.simulator.reset();
  }
  for (const fault of [
    'reset-after-3',
    'error-after-3',
    'bad-event-3',
    'bad-json',
    'eof-after-3',
  ]) {
    lab.simulator.setFault({ match: { family: 'gemini' }, sequence: [fault, fault, fault] });
    await call(chatBody('gemini/gemini-2.5-pro', { messages, stream: true }));
    lab.simulator.reset();
  }
  // Our credential is refused: the vendor's sentence quotes part of it.
  lab.simulator.setFault({ match: { family: 'huggingface' }, sequence: ['401'], repeat: 'last' });
  await call(chatBody('huggingface/openai/gpt-oss-20b', { messages }));
  lab.simulator.reset();
  await lab.call(`/v1/models/${encodeURIComponent(ESCAPES)}`);
  await call(chatBody(ESCAPES, { messages }));
  await lab.openHolds();
});
afterAll(() => lab.close());

function expectClean(sinks: readonly { readonly sink: string; readonly text: string }[]): void {
  expect(sinks.length).toBeGreaterThan(0);
  for (const { sink, text } of sinks) {
    const found = canaries.filter((canary) => text.includes(canary));
    expect({ sink, found }).toEqual({ sink, found: [] });
  }
}

describe('F90: canaries', () => {
  it('were met on the way to replies of every kind', () => {
    expect(replies.some(({ sink }) => sink === 'headers of 200')).toBe(true);
    for (const status of [400, 404, 422, 502]) {
      expect(replies.map(({ sink }) => sink)).toContain(`body of ${status}`);
    }
  });

  it('stand in no error body and no reply header', () => expectClean(replies));

  it('stand in no log line', async () => {
    await eventually(() => lab.log.join('').includes('"event":"alert"'));
    expectClean([{ sink: 'log', text: lab.log.join('') }]);
  });

  it('stand in no metric, document, configuration or record', async () => {
    const key = lab.gateway.adminKey;
    const sinks: { readonly sink: string; readonly text: string }[] = [];
    for (const path of [
      '/metrics',
      '/openapi.json',
      '/schema/gateway.json',
      '/health/ready',
      '/admin/v1/openapi.json',
      '/admin/v1/config',
      '/admin/v1/requests?limit=100',
      '/admin/v1/ledger/events?limit=100',
      '/admin/v1/keys',
      '/admin/v1/customers',
      '/admin/v1/usage',
      '/admin/v1/models',
    ]) {
      const reply = await lab.call(path, { key: path.startsWith('/admin') ? key : null });
      expect({ path, status: reply.status }).toEqual({ path, status: 200 });
      sinks.push({ sink: path, text: reply.text });
    }
    const listed = await lab.call('/admin/v1/requests?limit=100', { key });
    const rows = listed.json['data'] as readonly { readonly id: string }[];
    expect(rows.length).toBeGreaterThan(10);
    for (const { id } of rows) {
      const reply = await lab.call(`/admin/v1/requests/${id}`, { key });
      sinks.push({ sink: `request ${id}`, text: reply.text });
    }
    expectClean(sinks);
  });

  it('stand in no file of the data folder', () => {
    const files = filesOf(lab.gateway.dataDir);
    expect(files.some(({ text }) => text.includes(customer.customerId))).toBe(true);
    expectClean(files);
  });
});

describe('F91: the log', () => {
  it('tells of each request once', () => {
    const ids = lab.log.join('').match(/"request_id":"req_\w+"/g) ?? [];
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has one JSON object a line, whatever names hold', () => {
    const lines = lab.log.join('').split('\n').filter(Boolean);
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) {
      const record = JSON.parse(line) as Record<string, unknown>;
      expect(record['level']).not.toBe(60);
      expect(/[\p{Cc}\p{Zl}\p{Zp}]/u.test(line)).toBe(false);
      expect(line.length).toBeLessThan(10_000);
    }
  });
});
