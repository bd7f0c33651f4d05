/**
 * The simulators' bodies beside recorded ones: a member that every recording has, the simulator sends; a member that no
 * recording has, it does not.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createSimulator, type Simulator } from './index.ts';
import { isJsonObject, objectOf, parseJson, stringOf } from './core/json.ts';

const folder =
  process.env['GATEWAY_RECORDED_DIR'] ??
  join(dirname(fileURLToPath(import.meta.url)), '../../../shared/fixtures/recorded');
const index = join(folder, 'index.json');
const present = existsSync(index);
const title = present ? 'shapes' : `shapes (skipped: no recordings at ${folder})`;

interface Listed {
  readonly id: string;
  readonly provider: string;
  readonly operation: string;
  readonly status: number;
  readonly fidelity: string;
  readonly features: readonly string[];
  readonly path: string;
}

const listed: readonly Listed[] = present
  ? (JSON.parse(readFileSync(index, 'utf8')) as readonly Listed[])
  : [];

/** Paths of all members; list places are one place, and what a model wrote is not looked into. */
function membersOf(value: unknown, at = ''): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => membersOf(item, `${at}[]`));
  if (!isJsonObject(value) || at.endsWith('.args') || at.endsWith('.metadata')) return [];
  return Object.entries(value).flatMap(([name, member]) => {
    const path = at === '' ? name : `${at}.${name}`;
    return [path, ...membersOf(member, path)];
  });
}

function eventsOf(sse: string): unknown[] {
  const datas = sse.split(/\r?\n/).filter((line) => line.startsWith('data: {'));
  return datas.map((line) => parseJson(line.slice('data: '.length)));
}

function bodiesOf(item: Listed): unknown[] {
  const file: unknown = JSON.parse(readFileSync(join(folder, `${item.id}.json`), 'utf8'));
  const response = objectOf(objectOf(file)['response']);
  const sse = stringOf(response['sse']);
  return sse === null ? [response['body']] : [eventsOf(sse)];
}

function recorded(choose: (item: Listed) => boolean): string[][] {
  return listed
    .filter((item) => ['recorded', 'semantic'].includes(item.fidelity) && choose(item))
    .flatMap(bodiesOf)
    .filter((body) => typeof body === 'object' && body !== null)
    .map((body) => [...new Set(membersOf(body).map((path) => path.replace(/^\[\]\.?/, '')))]);
}

function compare(
  ours: unknown,
  theirs: readonly (readonly string[])[],
  newer: readonly string[] = [],
): void {
  const sent = new Set(membersOf(ours).map((path) => path.replace(/^\[\]\.?/, '')));
  expect(theirs.length).toBeGreaterThan(0);
  const known = new Set([...theirs.flat(), ...newer]);
  const invented = [...sent].filter((path) => !known.has(path));
  const common = theirs[0]?.filter((path) => theirs.every((paths) => paths.includes(path))) ?? [];
  const missing = common.filter((path) => !sent.has(path));
  expect({ invented, missing }).toEqual({ invented: [], missing: [] });
}

let simulator: Simulator;
beforeAll(async () => {
  simulator = await createSimulator({ seed: 1 });
});
afterAll(() => simulator.close());

async function post(path: string, body: object): Promise<string> {
  const reply = await fetch(`${simulator.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body),
  });
  return reply.text();
}

const messages = [{ role: 'user', content: 'call weather' }];
const contents = [{ role: 'user', parts: [{ text: 'call weather' }] }];
const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };
const tools = [{ type: 'function', function: { name: 'weather', parameters: schema } }];
const declarations = [
  { functionDeclarations: [{ name: 'weather', parametersJsonSchema: schema }] },
];
const isChat = (item: Listed, provider: string, stream: boolean): boolean =>
  item.provider === provider &&
  item.status === 200 &&
  item.operation.startsWith('chat') &&
  item.operation.endsWith('.stream') === stream;
const isGenerate = (item: Listed, stream: boolean): boolean =>
  item.provider === 'gemini' &&
  item.status === 200 &&
  item.operation.startsWith('generateContent') &&
  item.operation.endsWith('.stream') === stream;

describe.skipIf(!present)(title, () => {
  test('OpenAI chat, whole, in words and as a tool call', async () => {
    const theirs = recorded((item) => isChat(item, 'openai', false));
    for (const extra of [{}, { tools }]) {
      const ours = await post('/openai/v1/chat/completions', { model: 'm', messages, ...extra });
      compare(JSON.parse(ours), theirs);
    }
  });

  test('OpenAI chat, streamed', async () => {
    const theirs = recorded((item) => isChat(item, 'openai', true));
    for (const extra of [{}, { tools }]) {
      const body = {
        model: 'm',
        messages,
        stream: true,
        stream_options: { include_usage: true },
        ...extra,
      };
      compare(eventsOf(await post('/openai/v1/chat/completions', body)), theirs);
    }
  });

  test('Hugging Face chat', async () => {
    const model = 'simulated/chat';
    const whole = await post('/huggingface/v1/chat/completions', { model, messages });
    compare(
      JSON.parse(whole),
      recorded((item) => isChat(item, 'huggingface', false)),
    );
    const body = { model, messages, stream: true, stream_options: { include_usage: true } };
    const events = eventsOf(await post('/huggingface/v1/chat/completions', body));
    compare(
      events,
      recorded((item) => isChat(item, 'huggingface', true)),
    );
  });

  test('Gemini, whole and streamed, in words, thinking and as a function call', async () => {
    for (const model of ['gemini-2.5-flash', 'gemini-3-flash-preview']) {
      const generationConfig = { thinkingConfig: { includeThoughts: true } };
      for (const extra of [{}, { tools: declarations }, { generationConfig }]) {
        const body = { contents, ...extra };
        const base = `/gemini/v1beta/models/${model}`;
        const whole = await post(`${base}:generateContent`, body);
        compare(
          JSON.parse(whole),
          recorded((item) => isGenerate(item, false)),
        );
        const events = eventsOf(await post(`${base}:streamGenerateContent?alt=sse`, body));
        const theirs = recorded((item) => isGenerate(item, true));
        // Recorded for whole answers of the same models.
        compare(events, theirs, ['candidates[].content.parts[].functionCall.id']);
      }
    }
  });

  test('Gemini token counts', async () => {
    const ours = await post('/gemini/v1beta/models/gemini-3.5-flash:countTokens', { contents });
    compare(
      JSON.parse(ours),
      recorded((item) => item.provider === 'gemini' && item.operation === 'count_tokens'),
    );
  });

  test.each([
    ['openai', 400, '400-context-length'],
    ['openai', 401, '401'],
    ['openai', 404, '404'],
    ['openai', 429, '429'],
    ['openai', 500, '500'],
    ['huggingface', 401, '401'],
    ['huggingface', 404, '404'],
    ['huggingface', 429, '429'],
    ['huggingface', 503, '503'],
    ['huggingface', 500, '500'],
    ['gemini', 400, 'auth'],
    ['gemini', 404, '404'],
    ['gemini', 429, '429-retry-info-38.6s'],
    ['gemini', 503, '503'],
  ])('%s %i', async (provider, status, fault) => {
    const text =
      provider === 'gemini'
        ? await post(`/gemini/v1beta/models/fault-${fault}:generateContent`, { contents })
        : await post(`/${provider}/v1/chat/completions`, { model: `fault-${fault}`, messages });
    const theirs = listed
      .filter((item) => item.provider === provider && item.status === status)
      .filter((item) => item.operation === `error.${String(status)}` && item.fidelity !== 'edited')
      .flatMap(bodiesOf)
      .filter(isJsonObject)
      .map((body) => [...new Set(membersOf(body))]);
    compare(JSON.parse(text), theirs);
  });
});
