/**
 * What every text provider must do, whatever its wire looks like. A provider's test names its definition, how its
 * wire says things, and a few equivalent exchanges; everything else is derived.
 *
 * @module
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ProviderDefinition } from '../contracts/provider.ts';
import { ProviderFailureError, type ProviderFailure } from '../contracts/provider-failure.ts';
import type { FinishReason, TextOptions, TextStreamPart } from '../contracts/text.ts';
import type { TextExchange, TextProvider, TextStreamExchange } from '../contracts/text-provider.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../contracts/usage.ts';
import type { ProviderTarget, WireReply } from '../contracts/wire.ts';
import {
  HELLO,
  MESSAGE_SAMPLES,
  OPTION_SAMPLES,
  RICH_SCHEMA,
  WEATHER_TOOL,
} from './option-samples.contract.ts';
import {
  assemble,
  callsOfParts,
  cutBytes,
  eventBytes,
  FRAMINGS,
  readEvents,
  readPieces,
  textOfParts,
  type FixtureEvent,
  type Framing,
} from './stream-fixture.contract.ts';

/** The same answer as a whole reply and as one or more streams. */
export interface TextExchangeFixture {
  readonly name: string;
  /** Options of the call, where it matters (`n`). */
  readonly options?: Partial<TextOptions>;
  /** Body of the whole reply, parsed. */
  readonly reply: object;
  /** Streams that say the same; each list of events has the provider's end marker, if it has one. */
  readonly streams: readonly (readonly FixtureEvent[])[];
  readonly expected: {
    readonly text: string;
    readonly reasoning?: string;
    readonly calls?: readonly { readonly name: string; readonly arguments: unknown }[];
    readonly finishReasons: readonly FinishReason[];
    /** The provider's own total of input and output tokens; null when it reports no usage. */
    readonly totalTokens: number | null;
    readonly usage?: UsageVector;
  };
}

export interface TextProviderFixture {
  readonly definition: ProviderDefinition;
  /** A model id as callers write it; best one with characters that must not break a path. */
  readonly model: string;
  readonly exchanges: readonly [TextExchangeFixture, ...TextExchangeFixture[]];
  /**
   * Where options stand in the body, as dotted paths (`generationConfig.temperature`). An option that is named here
   * must arrive there with its value or be warned of; one that is not must change the body or be warned of.
   */
  readonly wirePaths: Readonly<Partial<Record<keyof TextOptions, string>>>;
  /** The complete schemas as the body carries them; null where the provider can only be told in words. */
  readonly schemasIn: {
    readonly responseFormat: (body: unknown) => unknown;
    readonly toolParameters: (body: unknown) => unknown;
  };
  /** Errors inside a 2xx reply. */
  readonly inBandErrors: readonly {
    readonly name: string;
    readonly frame: object;
    readonly kind: ProviderFailure['kind'];
  }[];
  /** Replies that are not 2xx. */
  readonly refusals: readonly {
    readonly name: string;
    readonly status: number;
    readonly body: string;
    readonly headers?: Readonly<Record<string, string>>;
    readonly kind: ProviderFailure['kind'];
    readonly waitMs?: number | null;
  }[];
  readonly skips?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
}

const CREDENTIAL = 'canary-credential-5f1d0c';
const REPLY_CANARY = 'canary-reply-77aa';

function valueAt(value: unknown, path: string): unknown {
  let at = value;
  for (const key of path.split('.')) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return at;
}

/** Freezes options, so that a provider that changes its input is found out. */
function frozen<Value>(value: Value): Value {
  if (typeof value === 'object' && value !== null) {
    Object.freeze(value);
    for (const member of Object.values(value)) frozen(member);
  }
  return value;
}

function failureOf(step: () => unknown): ProviderFailure | null {
  try {
    step();
  } catch (error) {
    if (error instanceof ProviderFailureError) return error.failure;
    throw error;
  }
  return null;
}

function jsonReply(body: object | string, status = 200): WireReply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'retry-after': '30' },
    body: Buffer.from(typeof body === 'string' ? body : JSON.stringify(body)),
  };
}

/** Bound helpers of one provider under test. */
class Subject {
  readonly fixture: TextProviderFixture;
  readonly text: TextProvider;
  readonly target: ProviderTarget;

  constructor(fixture: TextProviderFixture) {
    const { text } = fixture.definition;
    if (text === undefined) throw new Error(`${fixture.definition.id} generates no text`);
    this.fixture = fixture;
    this.text = text;
    this.target = {
      model: fixture.model,
      baseUrl: fixture.definition.defaultBaseUrl ?? 'http://localhost:9',
      credential: CREDENTIAL,
      settings: {},
    };
  }

  generate(options: Partial<TextOptions> = {}, target: Partial<ProviderTarget> = {}): TextExchange {
    const frozenOptions = frozen({ messages: HELLO, ...options });
    return this.text.generate(frozenOptions, { ...this.target, ...target });
  }

  stream(
    options: Partial<TextOptions> = {},
    target: Partial<ProviderTarget> = {},
  ): TextStreamExchange {
    if (this.text.stream === undefined) throw new Error('this provider does not stream');
    const frozenOptions = frozen({ messages: HELLO, ...options });
    return this.text.stream(frozenOptions, { ...this.target, ...target });
  }

  body(exchange: TextExchange | TextStreamExchange): unknown {
    return JSON.parse(exchange.request.body?.toString('utf8') ?? 'null');
  }
}

function describeRequests(subject: Subject, check: Check): void {
  const { fixture } = subject;
  const ways = [
    ['whole', subject.generate.bind(subject)],
    ['streamed', subject.stream.bind(subject)],
  ] as const;

  for (const [way, build] of ways) {
    check(`request (${way}): path and headers are well formed, the key only in a header`, () => {
      const { request } = build();
      expect(request.method).toBe('POST');
      expect(request.path).toMatch(/^\/[\x21-\x7e]*$/);
      const url = new URL(request.path, 'http://provider.test');
      expect(url.pathname.startsWith(`${fixture.definition.versionSegment}/`)).toBe(true);
      expect(url.pathname + url.search).toBe(request.path);
      for (const [name, value] of Object.entries(request.headers)) {
        expect(name).toBe(name.toLowerCase());
        expect(value).toMatch(/^[\x20-\x7e]*$/);
      }
      expect(Object.values(request.headers).join(' ')).toContain(CREDENTIAL);
      expect(request.path).not.toContain(CREDENTIAL);
      expect(request.body?.toString('utf8')).not.toContain(CREDENTIAL);
    });

    check(`request (${way}): no credential, no credential header`, () => {
      const { request } = build({}, { credential: null });
      expect(JSON.stringify(request.headers)).not.toMatch(/null|undefined|bearer/i);
    });

    check(`request (${way}): the model cannot leave its place`, () => {
      for (const model of [fixture.model, '../../x', 'a b?c=d#e', 'päth/ü', '%2e%2e/y', '..']) {
        const { request } = build({}, { model });
        const url = new URL(request.path, 'http://provider.test');
        expect(url.pathname + url.search).toBe(request.path);
        expect(url.pathname.startsWith(`${fixture.definition.versionSegment}/`)).toBe(true);
        const body: unknown = JSON.parse(request.body?.toString('utf8') ?? 'null');
        const inBody = valueAt(body, 'model');
        if (inBody !== undefined) expect(inBody).toBe(model);
        else expect(decodeURIComponent(url.pathname)).toContain(model);
        expect(url.hash).toBe('');
      }
    });

    check(`request (${way}): every option reaches the wire or is warned of`, () => {
      const silent: string[] = [];
      for (const [option, sample] of OPTION_SAMPLES) {
        const name = option.split('.')[0] as keyof TextOptions;
        const without: Partial<TextOptions> =
          name === 'tools' || sample.tools === undefined ? {} : { tools: sample.tools };
        const exchange = build(sample);
        const isWarned = exchange.warnings.some(
          (warning) => warning.option === name || warning.option.startsWith(`${name}.`),
        );
        const path = fixture.wirePaths[name];
        const body = subject.body(exchange);
        const arrived =
          path === undefined
            ? !equalJson(body, subject.body(build(without)))
            : equalJson(valueAt(body, path), sample[name]);
        if (!arrived && !isWarned) silent.push(`${option} ${JSON.stringify(sample[name])}`);
      }
      expect(silent).toEqual([]);
    });

    check(`request (${way}): every message part reaches the wire or is warned of`, () => {
      const silent: string[] = [];
      for (const [name, messages, mark] of MESSAGE_SAMPLES) {
        const exchange = build({ messages });
        const isWarned = exchange.warnings.some((warning) => warning.option.startsWith('messages'));
        if (!JSON.stringify(subject.body(exchange)).includes(mark) && !isWarned) silent.push(name);
      }
      expect(silent).toEqual([]);
    });

    check(
      `request (${way}): plain options bring no warnings, and warnings say what happened`,
      () => {
        expect(build({ temperature: 0.5, maxOutputTokens: 100 }).warnings).toEqual([]);
        for (const [, sample] of OPTION_SAMPLES) {
          for (const warning of build(sample).warnings) {
            expect(warning.detail.length).toBeGreaterThan(10);
            expect(JSON.stringify(warning)).not.toContain(CREDENTIAL);
          }
        }
      },
    );

    check(`request (${way}): schemas arrive complete`, () => {
      const formatted = build({
        responseFormat: { type: 'json-schema', name: 'order', schema: RICH_SCHEMA },
      });
      expect(fixture.schemasIn.responseFormat(subject.body(formatted))).toEqual(RICH_SCHEMA);
      const withTool = build({ tools: [WEATHER_TOOL] });
      expect(fixture.schemasIn.toolParameters(subject.body(withTool))).toEqual(RICH_SCHEMA);
    });

    check(`request (${way}): the same options give the same bytes`, () => {
      for (const [, sample] of OPTION_SAMPLES) {
        expect(build(sample).request).toEqual(build(sample).request);
      }
    });

    check(`request (${way}): options for other providers stay at home`, () => {
      const own = build({
        providerOptions: {
          [fixture.definition.id]: { canary_own: 'mine' },
          'another-provider': { canary_other: 'theirs' },
        },
      });
      const body = JSON.stringify(subject.body(own));
      expect(body).toContain('canary_own');
      expect(body).not.toContain('canary_other');
      expect(body).not.toContain('another-provider');
    });
  }
}

function equalJson(left: unknown, right: unknown): boolean {
  return JSON.stringify(left) === JSON.stringify(right);
}

function checkUsage(usage: UsageVector | null, expected: TextExchangeFixture['expected']): void {
  if (expected.totalTokens === null) {
    expect(usage).toBeNull();
    return;
  }
  expect(usage).not.toBeNull();
  if (usage === null) return;
  for (const units of Object.values(usage)) {
    expect(Number.isSafeInteger(units)).toBe(true);
    expect(units).toBeGreaterThanOrEqual(0);
  }
  expect(inputTokensOf(usage) + outputTokensOf(usage)).toBe(expected.totalTokens);
  if (expected.usage !== undefined) expect(usage).toEqual(expected.usage);
}

function describeAnswers(subject: Subject, check: Check): void {
  for (const exchange of subject.fixture.exchanges) {
    const { expected, options = {}, name } = exchange;

    check(`answer: whole reply (${name})`, () => {
      const result = subject.generate(options).read(jsonReply(exchange.reply));
      const parts = result.choices.flatMap((choice) => choice.parts);
      expect(textOfParts(parts, 'text')).toBe(expected.text);
      expect(textOfParts(parts, 'reasoning')).toBe(expected.reasoning ?? '');
      expect(callsOfParts(parts)).toEqual(expected.calls ?? []);
      expect(result.choices.map((choice) => choice.finishReason)).toEqual(expected.finishReasons);
      checkUsage(result.usage, expected);
    });

    check(`answer: streams say the same as the whole reply (${name})`, () => {
      const whole = subject.generate(options).read(jsonReply(exchange.reply));
      for (const events of exchange.streams) {
        const streamed = assemble(readEvents(subject.stream(options).open(), events));
        expect(streamed.choices.map((choice) => choice.finish?.reason)).toEqual(
          whole.choices.map((choice) => choice.finishReason),
        );
        for (const [index, choice] of whole.choices.entries()) {
          const parts = streamed.choices[index]?.parts ?? [];
          for (const kind of ['text', 'reasoning', 'refusal'] as const) {
            expect(textOfParts(parts, kind)).toBe(textOfParts(choice.parts, kind));
          }
          expect(callsOfParts(parts)).toEqual(callsOfParts(choice.parts));
        }
        checkUsage(streamed.usage, expected);
        expect(streamed.modelServed).toBe(whole.modelServed);
      }
    });

    check(`answer: framing and cuts of the stream do not matter (${name})`, () => {
      for (const events of exchange.streams) {
        const plain = readEvents(subject.stream(options).open(), events);
        for (const framing of Object.keys(FRAMINGS) as Framing[]) {
          for (const pretty of [false, true]) {
            const bytes = eventBytes(events, framing, pretty);
            for (const lengths of [[bytes.length], [1], [7, 1, 30]]) {
              const parts = readPieces(subject.stream(options).open(), cutBytes(bytes, lengths));
              expect(parts).toEqual(plain);
            }
          }
        }
        const bytes = eventBytes(events);
        fc.assert(
          fc.property(fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }), (lengths) => {
            const parts = readPieces(subject.stream(options).open(), cutBytes(bytes, lengths));
            expect(parts).toEqual(plain);
          }),
          { numRuns: 20 },
        );
      }
    });

    check(`answer: an end before the last finish is a broken stream (${name})`, () => {
      for (const events of exchange.streams) {
        let brokenEnds = 0;
        for (let count = 0; count <= events.length; count += 1) {
          const reader = subject.stream(options).open();
          const seen: TextStreamPart[] = [];
          const failure = failureOf(() => {
            seen.push(...readEvents(reader, events.slice(0, count)));
          });
          if (failure === null) {
            const finishes = seen.filter((part) => part.type === 'finish');
            expect(finishes.length).toBe(expected.finishReasons.length);
          } else {
            brokenEnds += 1;
            expect(failure.kind).toBe('broken_stream');
          }
          expect(reader.complete).toBe(failure === null);
        }
        expect(brokenEnds).toBeGreaterThan(0);
        const reader = subject.stream(options).open();
        readEvents(reader, events);
        expect(reader.complete).toBe(true);
      }
    });
  }
}

function describeFailures(subject: Subject, check: Check): void {
  const { fixture } = subject;
  const [first] = fixture.exchanges;
  const malformed = [
    '',
    REPLY_CANARY,
    `{"${REPLY_CANARY}":`,
    `["${REPLY_CANARY}"]`,
    'null',
    '12',
    `<html><body>${REPLY_CANARY}</body></html>`,
    '{}',
  ];

  check('failure: a whole reply that cannot be read', () => {
    for (const body of malformed) {
      const failure = failureOf(() => subject.generate().read(jsonReply(body)));
      expect(failure?.kind, body).toBe('malformed_reply');
      expect(failure?.message).not.toContain(REPLY_CANARY);
    }
  });

  check('failure: an event that cannot be read is never skipped', () => {
    for (const [events = []] of [first.streams]) {
      for (const data of [REPLY_CANARY, `{"${REPLY_CANARY}":`, '[1]', '7']) {
        for (const position of [0, 1]) {
          const broken = [...events.slice(0, position), data, ...events.slice(position)];
          const failure = failureOf(() => readEvents(subject.stream().open(), broken));
          expect(failure?.kind, data).toBe('malformed_reply');
          expect(failure?.message).not.toContain(REPLY_CANARY);
        }
      }
    }
  });

  for (const { name, frame, kind } of fixture.inBandErrors) {
    check(`failure: error inside a 2xx reply (${name})`, () => {
      const whole = failureOf(() => subject.generate().read(jsonReply(frame)));
      expect(whole?.kind).toBe(kind);
      // What a 2xx says of waiting is meant for somebody else.
      expect(whole?.waitMs ?? 0).not.toBe(30_000);
      const [events = []] = first.streams;
      for (const position of [0, 1]) {
        const broken = [...events.slice(0, position), frame];
        const failure = failureOf(() => readEvents(subject.stream().open(), broken));
        expect(failure?.kind).toBe(kind);
      }
    });
  }

  for (const refusal of fixture.refusals) {
    check(`failure: refusal (${refusal.name})`, () => {
      const failure = fixture.definition.readError({
        status: refusal.status,
        headers: refusal.headers ?? {},
        body: Buffer.from(refusal.body),
      });
      expect(failure.kind).toBe(refusal.kind);
      expect(failure.status).toBe(refusal.status);
      if (refusal.waitMs !== undefined) expect(failure.waitMs).toBe(refusal.waitMs);
      expect(failure.message).not.toBe('');
      expect(failure.message).not.toMatch(/<html|<body|<!doctype/i);
    });
  }

  check('failure: every error body gives a failure without markup, of bounded length', () => {
    const body = fc.oneof(
      fc.string(),
      fc.jsonValue().map((value) => JSON.stringify(value)),
      fc.constant(`<!DOCTYPE html><html><body>${REPLY_CANARY}</body></html>`),
      fc.constant(JSON.stringify({ error: { message: 'x'.repeat(100_000) } })),
      fc.constant(`${'['.repeat(2000)}${']'.repeat(2000)}`),
    );
    fc.assert(
      fc.property(fc.integer({ min: 300, max: 599 }), body, (status, text) => {
        const failure = fixture.definition.readError({
          status,
          headers: {},
          body: Buffer.from(text),
        });
        expect(failure.status).toBe(status);
        expect(failure.message.length).toBeLessThanOrEqual(4000);
        expect(failure.message).not.toContain(REPLY_CANARY);
      }),
    );
  });

  check('failure: all JSON is read or refused as a provider failure', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        failureOf(() => subject.generate().read(jsonReply(JSON.stringify(value))));
        failureOf(() => readEvents(subject.stream().open(), [JSON.stringify(value)]));
      }),
    );
    const shapes = [first.reply, ...(first.streams[0] ?? [])].filter(
      (shape) => typeof shape === 'object',
    );
    fc.assert(
      fc.property(fc.constantFrom(...shapes), fc.nat(200), fc.jsonValue(), (shape, at, value) => {
        const damaged = JSON.stringify(replaceNth(shape, at, value));
        failureOf(() => subject.generate().read(jsonReply(damaged)));
        failureOf(() => readEvents(subject.stream().open(), [damaged]));
      }),
    );
  });
}

/** A copy of a JSON value in which the n-th value below the root is another one. */
function replaceNth(shape: unknown, nth: number, value: unknown): unknown {
  let seen = 0;
  const copy = (node: unknown, isRoot: boolean): unknown => {
    if (!isRoot) {
      seen += 1;
      if (seen === nth) return value;
    }
    if (Array.isArray(node)) return node.map((item) => copy(item, false));
    if (typeof node !== 'object' || node === null) return node;
    return Object.fromEntries(Object.entries(node).map(([key, item]) => [key, copy(item, false)]));
  };
  return copy(shape, true);
}

type Check = (name: string, run: () => void) => void;

/**
 * Registers the conformance tests of a text provider. `skips` names tests by their full name or its beginning,
 * each with the reason why the provider cannot pass.
 */
export function describeTextProvider(fixture: TextProviderFixture): void {
  describe(`text provider ${fixture.definition.id}`, () => {
    const subject = new Subject(fixture);
    const used = new Set<string>();
    const check: Check = (name, run) => {
      for (const { reason, tests } of fixture.skips ?? []) {
        const skipped = tests.find((prefix) => name.startsWith(prefix));
        if (skipped === undefined) continue;
        used.add(skipped);
        test.skip(`${name} [skipped: ${reason}]`, run);
        return;
      }
      test(name, run);
    };
    describeRequests(subject, check);
    describeAnswers(subject, check);
    describeFailures(subject, check);
    test('every skip names a test', () => {
      const named = (fixture.skips ?? []).flatMap((skip) => skip.tests);
      expect(named.filter((name) => !used.has(name))).toEqual([]);
    });
  });
}
