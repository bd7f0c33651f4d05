/**
 * Every recorded chat completion of servers that speak this protocol, read by the codec and by the relay reader, and
 * compared with a plain extraction.
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ProviderDefinition } from '../../contracts/provider.ts';
import {
  ProviderFailureError,
  type ProviderFailureKind,
} from '../../contracts/provider-failure.ts';
import type { AssistantPart, FinishReason } from '../../contracts/text.ts';
import type { TextProvider } from '../../contracts/text-provider.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../../contracts/usage.ts';
import { providerById } from '../registry.ts';
import {
  assemble,
  callsOfParts,
  cutBytes,
  readPieces,
  textOfParts,
} from '../stream-fixture.contract.ts';
import { openAiCompatible } from './provider.ts';

const folder =
  process.env['GATEWAY_RECORDED_DIR'] ??
  join(import.meta.dirname, '../../../../shared/fixtures/recorded');
const indexPath = join(folder, 'index.json');

const SPEAKERS = new Set(
  'openai groq deepseek mistral together openrouter xai cerebras perplexity azure alibaba fireworks hyperbolic nebius novita sambanova writer ollama huggingface lmstudio'.split(
    ' ',
  ),
);

interface IndexRow {
  readonly id: string;
  readonly provider: string;
  readonly operation: string;
  readonly path: string;
  readonly status: number;
}

/** Loose shapes of what the recordings hold. */
interface WireUsage {
  prompt_tokens: number;
  completion_tokens: number;
  total_tokens: number;
}
interface WireCall {
  index?: number;
  id?: unknown;
  function?: { name?: string | null; arguments?: unknown };
}
interface WireMessage {
  content?: string | { type: string; text?: string; thinking?: { text: string }[] }[] | null;
  reasoning?: string | null;
  reasoning_content?: string | null;
  refusal?: string | null;
  tool_calls?: WireCall[] | null;
  function_call?: { name?: string; arguments?: string } | null;
}
interface WireChoice {
  index?: number;
  message?: WireMessage;
  delta?: WireMessage;
  finish_reason?: string | null;
}
interface WireFrame {
  choices?: WireChoice[];
  usage?: WireUsage | null;
  x_groq?: { usage?: WireUsage };
  model?: string;
  error?: unknown;
}
interface Recording {
  readonly response: {
    readonly status: number;
    readonly headers: Record<string, string>;
    readonly body?: unknown;
    readonly sse?: string;
    readonly text?: string;
  };
}

interface Extract {
  text: string;
  reasoning: string;
  refusal: string;
  calls: { name: string; arguments: unknown }[];
  finishes: string[];
  usage: WireUsage | null;
}

const index: readonly IndexRow[] = existsSync(indexPath)
  ? (JSON.parse(readFileSync(indexPath, 'utf8')) as IndexRow[])
  : [];
const rows = index.filter(
  (row) =>
    SPEAKERS.has(row.provider) &&
    (row.path.split('?')[0]?.endsWith('chat/completions') === true ||
      (row.provider === 'writer' && row.operation.startsWith('chat'))),
);

function recordingOf(row: IndexRow): Recording {
  return JSON.parse(readFileSync(join(folder, `${row.id}.json`), 'utf8')) as Recording;
}

function definitionOf(row: IndexRow): ProviderDefinition {
  return providerById(row.provider) ?? openAiCompatible;
}

function textOf(definition: ProviderDefinition): TextProvider {
  if (definition.text === undefined) throw new Error('generates text');
  return definition.text;
}

const target = { model: 'm', baseUrl: 'http://h', credential: 'k', settings: {} };

function framesOf(sse: string): WireFrame[] {
  return sse
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trim())
    .filter((data) => data !== '[DONE]' && data !== '')
    .map((data) => JSON.parse(data) as WireFrame);
}

function addMessage(extract: Extract, message: WireMessage, open: Map<number, string>): void {
  if (typeof message.content === 'string') extract.text += message.content;
  else
    for (const part of message.content ?? []) {
      if (part.type === 'thinking')
        extract.reasoning += (part.thinking ?? []).map((t) => t.text).join('');
      else extract.text += part.text ?? '';
    }
  extract.reasoning += message.reasoning_content ?? message.reasoning ?? '';
  extract.refusal += message.refusal ?? '';
  const called = [...(message.tool_calls ?? [])];
  if (message.function_call) called.push({ index: 0, function: message.function_call });
  for (const [position, call] of called.entries()) {
    const at = call.index ?? position;
    const key = open.size;
    const given = call.function?.arguments ?? '';
    const text = typeof given === 'string' ? given : JSON.stringify(given);
    if (call.function?.name) {
      open.set(key, text);
      extract.calls.push({ name: call.function.name, arguments: at });
    } else {
      const last = [...open.keys()].filter((k) => extract.calls[k]?.arguments === at).at(-1) ?? -1;
      open.set(last, (open.get(last) ?? '') + text);
    }
  }
}

/** What the frames plainly say, first choice after choice. */
function extractOf(frames: readonly WireFrame[]): Extract {
  const byChoice = new Map<number, { extract: Extract; open: Map<number, string> }>();
  let usage: WireUsage | null = null;
  for (const frame of frames) {
    usage = frame.usage ?? frame.x_groq?.usage ?? usage;
    for (const choice of frame.choices ?? []) {
      const at = choice.index ?? 0;
      const state = byChoice.get(at) ?? {
        extract: { text: '', reasoning: '', refusal: '', calls: [], finishes: [], usage: null },
        open: new Map<number, string>(),
      };
      byChoice.set(at, state);
      addMessage(
        state.extract,
        choice.delta !== undefined && frames.length > 1
          ? choice.delta
          : (choice.message ?? choice.delta ?? {}),
        state.open,
      );
      if (choice.finish_reason && state.extract.finishes.length === 0)
        state.extract.finishes.push(choice.finish_reason);
    }
  }
  const total: Extract = { text: '', reasoning: '', refusal: '', calls: [], finishes: [], usage };
  for (const [, { extract, open }] of [...byChoice].toSorted(([a], [b]) => a - b)) {
    total.text += extract.text;
    total.reasoning += extract.reasoning;
    total.refusal += extract.refusal;
    total.calls.push(
      ...extract.calls.map((call, key) => ({
        name: call.name,
        arguments: JSON.parse(open.get(key) || '{}') as unknown,
      })),
    );
    total.finishes.push(...extract.finishes);
  }
  return total;
}

const FINISHES: Readonly<Record<string, FinishReason>> = {
  stop: 'stop',
  eos: 'stop',
  eos_token: 'stop',
  length: 'length',
  tool_calls: 'tool-calls',
  function_call: 'tool-calls',
  content_filter: 'content-filter',
};

interface Seen {
  readonly parts: readonly AssistantPart[];
  readonly finishes: readonly { readonly reason: string; readonly raw: string | null }[];
  readonly usage: UsageVector | null;
}

/** Tokens of the total: where the parts do not sum to it, the total is the provider's own word. */
function totalOf(usage: WireUsage): number {
  return Math.max(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
}

function compare(seen: Seen, plain: Extract, usesThinkTags: boolean): void {
  const text = textOfParts(seen.parts, 'text');
  const reasoning = textOfParts(seen.parts, 'reasoning');
  if (usesThinkTags && plain.text.trimStart().startsWith('<think>')) {
    expect(text.length + reasoning.length).toBeGreaterThan(0);
  } else {
    expect(text).toBe(plain.text);
    expect(reasoning).toBe(plain.reasoning);
  }
  expect(textOfParts(seen.parts, 'refusal')).toBe(plain.refusal);
  expect(callsOfParts(seen.parts)).toEqual(plain.calls);
  expect(seen.finishes.map((finish) => finish.raw)).toEqual(plain.finishes);
  for (const finish of seen.finishes) {
    const word = FINISHES[finish.raw ?? ''];
    expect(word).toBeDefined();
    expect(finish.reason).toBe(plain.calls.length > 0 && word === 'stop' ? 'tool-calls' : word);
  }
  compareUsage(seen.usage, plain.usage);
}

function compareUsage(usage: UsageVector | null, recorded: WireUsage | null): void {
  if (recorded === null) {
    expect(usage).toBeNull();
    return;
  }
  expect(usage).not.toBeNull();
  if (usage === null) return;
  expect(inputTokensOf(usage) + outputTokensOf(usage)).toBe(totalOf(recorded));
  expect(inputTokensOf(usage)).toBeGreaterThanOrEqual(recorded.prompt_tokens);
  expect(outputTokensOf(usage)).toBeGreaterThanOrEqual(recorded.completion_tokens);
}

/** In-band errors that were recorded with status 200. */
const IN_BAND: Readonly<Record<string, ProviderFailureKind>> = {
  'azure/chat-02': 'content_filtered',
};

/** Recorded refusals by what a person reads in them; the rest follows from the status alone. */
const KINDS: Readonly<Record<string, ProviderFailureKind>> = {
  'deepseek/error-400-01': 'context_length',
  'ollama/error-400-01': 'context_length',
  'openrouter/error-400-01': 'context_length',
  'perplexity/error-400-01': 'context_length',
};
const KIND_BY_STATUS: Readonly<Record<number, ProviderFailureKind>> = {
  400: 'invalid_request',
  401: 'auth',
  403: 'auth',
  404: 'model_not_found',
  408: 'server_error',
  413: 'invalid_request',
  422: 'invalid_request',
  429: 'rate_limited',
  500: 'server_error',
  503: 'overloaded',
};
const WAITS: Readonly<Record<string, number | null>> = {
  'groq/error-429-01': 3000,
  'azure/error-429-01': 1000,
  'openrouter/error-429-01': null,
  'mistral/error-429-01': null,
};

describe.skipIf(rows.length === 0)(
  rows.length === 0
    ? `recorded chat completions [skipped: no recordings at ${folder}]`
    : 'recorded chat completions',
  () => {
    const successes = rows.filter((row) => row.status === 200 && !(row.id in IN_BAND));

    test('there are recordings of each kind', () => {
      expect(successes.length).toBeGreaterThan(200);
      expect(rows.filter((row) => row.status >= 400).length).toBeGreaterThan(40);
    });

    test.each(successes.map((row) => [row.id, row] as const))('%s', (_id, row) => {
      const { response } = recordingOf(row);
      const definition = definitionOf(row);
      const provider = textOf(definition);
      const options = { messages: [] };
      const isTagged = row.provider === 'huggingface';
      if (response.sse === undefined) {
        const frame = response.body as WireFrame;
        const plain = extractOf([frame]);
        const reply = {
          status: 200,
          headers: response.headers,
          body: Buffer.from(JSON.stringify(frame)),
        };
        const result = provider.generate(options, target).read(reply);
        const seen = {
          parts: result.choices.flatMap((choice) => choice.parts),
          finishes: result.choices.map((choice) => ({
            reason: choice.finishReason,
            raw: choice.rawFinishReason,
          })),
          usage: result.usage,
        };
        compare(seen, plain, isTagged);
        expect(result.modelServed).toBe(frame.model || null);
        const relayed = provider.relay?.read(reply);
        expect(relayed?.usage).toEqual(result.usage);
        expect(relayed?.modelServed).toBe(result.modelServed);
        const letters = reply.body.toString('latin1');
        expect(relayed?.letters ?? letters).toBe(letters);
        return;
      }
      const frames = framesOf(response.sse);
      const plain = extractOf(frames);
      const bytes = Buffer.from(response.sse);
      const choices = new Set(frames.flatMap((f) => (f.choices ?? []).map((c) => c.index ?? 0)));
      for (const lengths of [[bytes.length], [1], [1000, 3, 17]]) {
        const reader = provider.stream?.({ ...options, n: choices.size }, target).open();
        if (reader === undefined) throw new Error('streams');
        const answer = assemble(readPieces(reader, cutBytes(bytes, lengths)));
        expect(reader.complete).toBe(true);
        compare(
          {
            parts: answer.choices.flatMap((choice) => choice.parts),
            finishes: answer.choices.flatMap((choice) => choice.finish ?? []),
            usage: answer.usage,
          },
          plain,
          isTagged,
        );
      }
      const relayed = frames
        .map((frame) => provider.relay?.usageOf({ ...frame }) ?? null)
        .filter((usage) => usage !== null)
        .at(-1);
      compareUsage(relayed ?? null, plain.usage);
    });

    test.each(Object.entries(IN_BAND))('%s is a failure inside a 200', (id, kind) => {
      const row = rows.find((candidate) => candidate.id === id);
      if (row === undefined) throw new Error(`${id} is not recorded`);
      const { response } = recordingOf(row);
      const provider = textOf(definitionOf(row));
      const reply = {
        status: 200,
        headers: response.headers,
        body: Buffer.from(JSON.stringify(response.body)),
      };
      for (const read of [
        () => provider.generate({ messages: [] }, target).read(reply),
        () => provider.relay?.read(reply),
      ]) {
        expect(read).toThrow(ProviderFailureError);
        try {
          read();
        } catch (error) {
          expect(error instanceof ProviderFailureError && error.failure.kind).toBe(kind);
        }
      }
      expect(provider.relay?.failureOf(response.body as Record<string, unknown>).kind).toBe(kind);
    });

    test.each(rows.filter((row) => row.status >= 400).map((row) => [row.id, row] as const))(
      '%s',
      (id, row) => {
        const { response } = recordingOf(row);
        const text = response.text ?? response.sse ?? JSON.stringify(response.body);
        const failure = definitionOf(row).readError({
          status: response.status,
          headers: response.headers,
          body: Buffer.from(text),
        });
        expect(failure.kind).toBe(KINDS[id] ?? KIND_BY_STATUS[row.status]);
        expect(failure.status).toBe(row.status);
        expect(failure.message).not.toMatch(/<html|no message/i);
        if (id in WAITS) expect(failure.waitMs).toBe(WAITS[id]);
      },
    );
  },
);
