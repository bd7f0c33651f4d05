import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { TextOptions, TextResult, TextStreamPart } from '../../contracts/text.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../../contracts/usage.ts';
import type { ProviderTarget, ServerSentEvent, WireReply } from '../../contracts/wire.ts';
import { gemini } from './provider.ts';

// The extraction below shares no code with the adapter: it says in a few lines what each recording holds.

interface RecordedPart {
  text?: string;
  thought?: boolean;
  thoughtSignature?: string;
  inlineData?: unknown;
  functionCall?: { name?: string; args?: unknown; id?: string; partialArgs?: unknown[] };
  executableCode?: { code: string };
  codeExecutionResult?: { output: string };
}
interface RecordedResponse {
  candidates?: {
    index?: number;
    finishReason?: string;
    content?: { parts?: RecordedPart[] };
    groundingMetadata?: {
      groundingChunks?: Record<string, { uri?: string }>[];
      webSearchQueries?: string[];
    };
  }[];
  usageMetadata?: Record<string, number>;
  modelVersion?: string;
  responseId?: string;
  promptFeedback?: { blockReason?: string };
  error?: { code: number; status: string };
}
interface Recording {
  id: string;
  response: {
    status: number;
    headers: Record<string, string>;
    body?: unknown;
    sse?: string;
    text?: string;
  };
}
interface IndexEntry {
  id: string;
  provider: string;
  operation: string;
  model: string | null;
  kind: string;
}

const directory =
  process.env['GATEWAY_RECORDED_DIR'] ??
  path.resolve(import.meta.dirname, '../../../../shared/fixtures/recorded');
const present = existsSync(path.join(directory, 'index.json'));
if (!present)
  process.stderr.write(`recorded traffic is absent at ${directory}: its tests are skipped\n`);

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(path.join(directory, name), 'utf8')) as T;
}
const entries = present
  ? readJson<IndexEntry[]>('index.json').filter(({ provider }) =>
      /^(gemini|vertex)$/.test(provider),
    )
  : [];
const answers = entries.filter(({ operation }) => operation.startsWith('generateContent'));
const errors = entries.filter(({ operation }) => operation.startsWith('error.'));

function eventsOf(sse: string): ServerSentEvent[] {
  return sse
    .split(/\r\n\r\n|\n\n/)
    .map((block) => (block.startsWith('data:') ? block.replace(/^data: ?/gm, '') : block).trim())
    .filter((data) => data !== '')
    .map((data) => ({ event: 'message', data }));
}

const target = (model: string | null): ProviderTarget => ({
  model: model ?? 'gemini-2.5-flash',
  baseUrl: 'http://127.0.0.1:1',
  credential: 'key',
  settings: {},
});
const options: TextOptions = { messages: [{ role: 'user', parts: [{ type: 'text', text: 'x' }] }] };

function replyOf(recording: Recording): WireReply {
  const { status, headers, body, text } = recording.response;
  return { status, headers, body: Buffer.from(text ?? JSON.stringify(body)) };
}

interface Reading {
  parts: TextStreamPart[];
  result: TextResult | null;
  failure: ProviderFailureError | null;
  complete: boolean;
}

function readStream(entry: IndexEntry, sse: string): Reading {
  const parts: TextStreamPart[] = [];
  const reader = gemini.text?.stream?.(options, target(entry.model)).open();
  if (reader === undefined) throw new Error('no stream');
  try {
    for (const event of eventsOf(sse)) parts.push(...reader.event(event));
    const complete = reader.complete;
    parts.push(...reader.end());
    return { parts, result: null, failure: null, complete };
  } catch (error) {
    if (!(error instanceof ProviderFailureError)) throw error;
    return { parts, result: null, failure: error, complete: reader.complete };
  }
}

function readWhole(entry: IndexEntry, recording: Recording): Reading {
  try {
    const exchange = gemini.text?.generate(options, target(entry.model));
    const result = exchange?.read(replyOf(recording)) ?? null;
    return { parts: [], result, failure: null, complete: true };
  } catch (error) {
    if (!(error instanceof ProviderFailureError)) throw error;
    return { parts: [], result: null, failure: error, complete: false };
  }
}

interface Digest {
  text: string;
  reasoning: string;
  calls: { name: string; args: unknown }[];
  signatures: string[];
  finish: (string | null)[];
  urls: string[];
  usage: UsageVector | null;
  id: string | null;
  model: string | null;
}

function digestOfResult(result: TextResult): Digest {
  const parts = result.choices.flatMap((choice) => choice.parts);
  const calls = parts.filter((part) => part.type === 'tool-call');
  return {
    text: parts.flatMap((part) => (part.type === 'text' ? part.text : [])).join(''),
    reasoning: parts.flatMap((part) => (part.type === 'reasoning' ? part.text : [])).join(''),
    calls: calls.map(({ name, argumentsJson }) => ({
      name,
      args: JSON.parse(argumentsJson) as unknown,
    })),
    signatures: parts.flatMap((part) => ('signature' in part ? (part.signature ?? []) : [])),
    finish: result.choices.map((choice) => choice.rawFinishReason),
    urls: result.choices.flatMap((choice) => choice.sources.map(({ url }) => url)),
    usage: result.usage,
    id: result.id,
    model: result.modelServed,
  };
}

function digestOfParts(parts: readonly TextStreamPart[]): Digest {
  const digest: Digest = {
    text: '',
    reasoning: '',
    calls: [],
    signatures: [],
    finish: [],
    urls: [],
    usage: null,
    id: null,
    model: null,
  };
  const json: string[] = [];
  for (const part of parts) {
    if ('signature' in part && part.signature !== undefined) digest.signatures.push(part.signature);
    if (part.type === 'answer-start') {
      digest.id = part.id;
      digest.model = part.modelServed;
    }
    if (part.type === 'text-delta') digest.text += part.text;
    if (part.type === 'reasoning-delta') digest.reasoning += part.text;
    if (part.type === 'tool-call-start') {
      digest.calls[part.index] = { name: part.name, args: null };
      json[part.index] = '';
    }
    if (part.type === 'tool-call-delta') json[part.index] += part.argumentsDelta;
    if (part.type === 'finish') digest.finish.push(part.raw);
    if (part.type === 'source') digest.urls.push(part.source.url);
    if (part.type === 'usage') digest.usage = part.usage;
  }
  for (const [index, call] of digest.calls.entries()) call.args = JSON.parse(json[index] ?? '');
  return digest;
}

function recordedResponses(recording: Recording): RecordedResponse[] {
  if (recording.response.sse === undefined) return [recording.response.body as RecordedResponse];
  return eventsOf(recording.response.sse).map(({ data }) => JSON.parse(data) as RecordedResponse);
}

function partsOfRecording(responses: RecordedResponse[]): RecordedPart[] {
  return responses.flatMap(
    (response) => response.candidates?.flatMap((one) => one.content?.parts ?? []) ?? [],
  );
}

const GROUPS: readonly (readonly [string, string[]])[] = [
  ['prompt', ['promptTokenCount', 'toolUsePromptTokenCount']],
  ['output', ['candidatesTokenCount', 'thoughtsTokenCount']],
];

describe.skipIf(!present)('recorded answers', () => {
  it('covers both providers, both kinds and every feature', () => {
    expect(answers.length).toBeGreaterThan(90);
    expect(new Set(answers.map(({ kind }) => kind))).toEqual(new Set(['json', 'sse']));
  });

  it.each(answers.map((entry) => [entry.id, entry] as const))('%s', (_id, entry) => {
    const recording = readJson<Recording>(`${entry.id}.json`);
    const responses = recordedResponses(recording);
    const { sse } = recording.response;
    const reading = sse === undefined ? readWhole(entry, recording) : readStream(entry, sse);
    const hasCandidates = responses.some((response) => (response.candidates ?? []).length > 0);
    const error = responses.find((response) => response.error !== undefined)?.error;
    if (error !== undefined) {
      expect(reading.failure?.failure.status).toBe(error.code);
      expect(reading.failure?.failure.providerCode).toBe(error.status);
      expect(digestOfParts(reading.parts).text).toBe(
        partsOfRecording(responses)
          .map(({ text }) => text ?? '')
          .join(''),
      );
      return;
    }
    if (!hasCandidates) {
      expect(reading.failure?.failure.kind).toBe('content_filtered');
      return;
    }
    const parts = partsOfRecording(responses);
    const finishes = responses.flatMap(
      (response) => response.candidates?.flatMap((one) => one.finishReason ?? []) ?? [],
    );
    if (parts.length === 0 && finishes.length === 0) {
      expect(reading.failure?.failure.kind).toBe('malformed_reply');
      return;
    }
    expect(reading.failure).toBeNull();
    const digest =
      reading.result === null ? digestOfParts(reading.parts) : digestOfResult(reading.result);

    const text = parts.filter((part) => part.thought !== true).map((part) => part.text ?? '');
    const ran = parts.flatMap(
      (part) => part.executableCode?.code ?? part.codeExecutionResult?.output ?? [],
    );
    if (ran.length === 0) expect(digest.text).toBe(text.join(''));
    let from = 0;
    for (const piece of parts.flatMap(
      (part) =>
        part.executableCode?.code ??
        part.codeExecutionResult?.output ??
        (part.thought === true ? [] : (part.text ?? [])),
    )) {
      const at = digest.text.indexOf(piece, from);
      expect(at).toBeGreaterThanOrEqual(from);
      from = at + piece.length;
    }
    expect(digest.reasoning).toBe(
      parts.flatMap((part) => (part.thought === true ? (part.text ?? []) : [])).join(''),
    );
    const named = parts
      .flatMap((part) => part.functionCall ?? [])
      .filter(({ name }) => name !== undefined);
    expect(digest.calls.map(({ name }) => name)).toEqual(named.map(({ name }) => name));
    const pieces = parts.some((part) => part.functionCall?.partialArgs !== undefined);
    if (!pieces) {
      expect(digest.calls.map(({ args }) => args)).toEqual(named.map(({ args }) => args ?? {}));
    }
    expect(digest.signatures).toEqual(
      parts.flatMap(({ thoughtSignature, inlineData }) =>
        inlineData === undefined ? (thoughtSignature ?? []) : [],
      ),
    );
    expect(digest.finish).toEqual([finishes.at(-1)]);
    expect(digest.model).toBe(
      responses.find(({ modelVersion }) => modelVersion !== undefined)?.modelVersion ?? null,
    );
    expect(digest.id).toBe(
      responses.find(({ responseId }) => responseId !== undefined)?.responseId ?? null,
    );

    const chunks = responses.flatMap(
      (response) =>
        response.candidates?.flatMap((one) => one.groundingMetadata?.groundingChunks ?? []) ?? [],
    );
    const urls = chunks.flatMap((chunk) => Object.values(chunk)[0]?.uri ?? []);
    expect(digest.urls).toEqual(expect.arrayContaining(urls));
    if (entry.operation.includes('citations') === false) {
      expect(new Set(digest.urls)).toEqual(new Set(urls));
    }

    const metadata = responses
      .map(({ usageMetadata }) => usageMetadata)
      .findLast((one) => one?.['totalTokenCount'] !== undefined);
    if (metadata === undefined) {
      expect(digest.usage).toBeNull();
      return;
    }
    const usage = digest.usage ?? {};
    expect(inputTokensOf(usage) + outputTokensOf(usage)).toBe(metadata['totalTokenCount']);
    for (const [group, members] of GROUPS) {
      const counted = group === 'prompt' ? inputTokensOf(usage) : outputTokensOf(usage);
      expect(counted).toBe(members.reduce((sum, member) => sum + (metadata[member] ?? 0), 0));
    }
    expect((usage.cache_read_tokens ?? 0) + (usage.cache_read_audio_tokens ?? 0)).toBe(
      metadata['cachedContentTokenCount'] ?? 0,
    );
    expect(usage.reasoning_tokens ?? 0).toBe(metadata['thoughtsTokenCount'] ?? 0);
    expect(reading.complete).toBe(true);
    const queries = responses.flatMap(
      (response) =>
        response.candidates?.flatMap((one) => one.groundingMetadata?.webSearchQueries ?? []) ?? [],
    );
    const old = /gemini-[12]/.test(digest.model ?? '');
    expect(usage.web_searches ?? 0).toBe(old ? Math.min(1, queries.length) : new Set(queries).size);
  });
});

describe.skipIf(!present)('recorded streams as one chunk', () => {
  it.each(answers.filter(({ kind }) => kind === 'sse').map((entry) => [entry.id, entry] as const))(
    '%s read as an array equals the stream',
    (_id, entry) => {
      const recording = readJson<Recording>(`${entry.id}.json`);
      const streamed = readStream(entry, recording.response.sse ?? '');
      const array = {
        ...recording,
        response: { ...recording.response, body: recordedResponses(recording) },
      };
      const whole = readWhole(entry, array);
      expect(whole.failure?.failure).toEqual(streamed.failure?.failure);
      if (whole.result !== null)
        expect(digestOfResult(whole.result)).toEqual(digestOfParts(streamed.parts));
    },
  );

  it.each(answers.filter(({ kind }) => kind === 'sse').map((entry) => [entry.id, entry] as const))(
    '%s without its last event is broken',
    (_id, entry) => {
      const recording = readJson<Recording>(`${entry.id}.json`);
      const events = eventsOf(recording.response.sse ?? '');
      // Streams that name STOP on every chunk are whole at any of them.
      const early = events.slice(0, -1).some(({ data }) => data.includes('"finishReason"'));
      const reader = gemini.text?.stream?.(options, target(entry.model)).open();
      for (const event of events.slice(0, -1)) reader?.event(event);
      expect(reader?.complete).toBe(false);
      if (!early) expect(() => reader?.end()).toThrow(ProviderFailureError);
    },
  );
});

describe.skipIf(!present)('recorded errors', () => {
  const EXPECTED: Readonly<Record<string, string>> = {
    'gemini/error-400-01': 'auth',
    'gemini/error-400-02': 'invalid_request',
    'gemini/error-400-03': 'auth',
    'gemini/error-403-01': 'auth',
    'gemini/error-404-01': 'model_not_found',
    'gemini/error-429-01': 'rate_limited',
    'gemini/error-429-02': 'rate_limited',
    'gemini/error-429-03': 'rate_limited',
    'gemini/error-503-01': 'overloaded',
    'vertex/error-400-01': 'context_length',
    'vertex/error-400-02': 'auth',
    'vertex/error-401-01': 'auth',
    'vertex/error-403-01': 'auth',
    'vertex/error-404-01': 'model_not_found',
    'vertex/error-429-01': 'rate_limited',
  };
  const WAIT_MS: Readonly<Record<string, number>> = {
    'gemini/error-429-01': 23_000,
    'gemini/error-429-02': 38_000,
    'gemini/error-429-03': 34_400,
  };

  it.each(errors.map(({ id }) => [id] as const))('%s', (id) => {
    const recording = readJson<Recording>(`${id}.json`);
    const failure = gemini.readError(replyOf(recording));
    const byStatus =
      /auth|invalid_request|model_not_found|rate_limited|overloaded|context_length|server_error/;
    expect(failure.kind).toMatch(EXPECTED[id] ?? byStatus);
    expect(failure.status).toBe(recording.response.status);
    expect(failure.waitMs).toBe(WAIT_MS[id] ?? null);
    expect(failure.message).not.toContain('<');
  });
});
