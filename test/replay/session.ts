/**
 * One gateway in front of one replaying upstream, and what is asserted of every replay.
 *
 * @module
 */
import { expect } from 'vitest';
import { USAGE_UNITS, type UsageUnit } from '../../src/contracts/usage.ts';
import { PROVIDERS } from '../../src/providers/registry.ts';
import { RoutingState } from '../../src/gateway/routing-state.ts';
import {
  startReplayUpstream,
  type ReplayedRequest,
  type ReplayReply,
  type ReplayUpstream,
} from '../support/replay-upstream.ts';
import {
  createCustomerKey,
  requestOf,
  startTestGateway,
  usageOf,
  verifyLedger,
  type CustomerKey,
  type ShownRequest,
  type TestGateway,
} from '../support/running-gateway.ts';
import type { CountedTokens } from './answer.ts';
import { eventData, looseOf, type Loose } from './json.ts';

/** A provider as the gateway knows it, and a model as that provider knows it. */
export interface PricedModel {
  readonly provider: string;
  readonly model: string;
}

const INPUT_UNITS = USAGE_UNITS.filter((unit) => /^(?:input|cache)_/.test(unit));
const OUTPUT_UNITS = USAGE_UNITS.filter((unit) => /^(?:output|reasoning)_/.test(unit));

/** Nano-USD per million units: a price of its own for every class, so that no two can be mistaken. */
const RATES: Readonly<Partial<Record<UsageUnit, number>>> = Object.fromEntries(
  USAGE_UNITS.filter((unit) => unit !== 'requests').map((unit, place) => [
    unit,
    1_000_000_000 + place * 100_003_337,
  ]),
);

function costOf(usage: Readonly<Record<string, number>>): bigint {
  let millionths = 0n;
  for (const [unit, rate] of Object.entries(RATES))
    millionths += BigInt(usage[unit] ?? 0) * BigInt(rate);
  return (millionths + 999_999n) / 1_000_000n;
}

function nanoUsdOf(text: string): bigint {
  return BigInt(text.replace('.', ''));
}

function sumOf(usage: Readonly<Record<string, number>>, units: readonly string[]): number {
  return units.reduce((sum, unit) => sum + (usage[unit] ?? 0), 0);
}

/** One reply of the gateway, with what was booked for it and what was sent upstream for it. */
export interface Replayed {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly request: ShownRequest;
  readonly sent: readonly ReplayedRequest[];
}

interface Totals {
  requests: number;
  input: number;
  output: number;
  cost: bigint;
}

export class ReplaySession {
  readonly gateway: TestGateway;
  readonly upstream: ReplayUpstream;
  readonly #key: CustomerKey;
  readonly #totals: Totals = { requests: 0, input: 0, output: 0, cost: 0n };
  /** The exchange under way: that of a test which ran out of time must not mix with the next test's. */
  #last: Promise<unknown> = Promise.resolve();
  /** Exchanges with the gateway so far. */
  replays = 0;

  private constructor(gateway: TestGateway, upstream: ReplayUpstream, key: CustomerKey) {
    this.gateway = gateway;
    this.upstream = upstream;
    this.#key = key;
  }

  /** Starts both; every provider is configured, and every named model has a price. */
  static async start(models: readonly PricedModel[]): Promise<ReplaySession> {
    const upstream = await startReplayUpstream();
    const environment: Record<string, string> = {};
    for (const { environment: names, id } of PROVIDERS) {
      const [credential] = names.credential;
      if (credential === undefined) continue;
      environment[credential] = `credential-of-${id}`;
      environment[names.baseUrl] = `${upstream.url}/${id}`;
    }
    const names = new Set(models.map(({ provider, model }) => JSON.stringify([provider, model])));
    const prices = [...names].map((name) => {
      const [provider, model] = JSON.parse(name) as [string, string];
      return { provider, model, rates: RATES };
    });
    const gateway = await startTestGateway({
      environment,
      // JSON is YAML.
      config: JSON.stringify({ models: { prices } }),
    });
    return new ReplaySession(gateway, upstream, await createCustomerKey(gateway));
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    await this.upstream.close();
  }

  /** Forgets cool-downs, quarantines and breakers, and waits between attempts as short as they can be. */
  forgetFailures(): void {
    const pipeline: { routing: RoutingState; random: () => number } = this.gateway.gateway.gateway;
    pipeline.routing = new RoutingState();
    pipeline.random = () => 0;
  }

  /** Sends a chat request while the upstream answers everything with `reply`; one such exchange at a time. */
  replay(body: Loose, reply: ReplayReply): Promise<Replayed> {
    const next = this.#last.then(() => this.#exchange(body, reply));
    this.#last = next.catch(() => undefined);
    return next;
  }

  async #exchange(body: Loose, reply: ReplayReply): Promise<Replayed> {
    this.upstream.clear();
    this.upstream.serve({}, reply);
    const response = await fetch(`${this.gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${this.#key.apiKey}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    const request = await requestOf(this.gateway, response.headers.get('x-request-id') ?? '');
    this.replays += 1;
    const isBilled = request.attempt_rows.some((attempt) => attempt.billable === 'yes');
    if (isBilled) this.#totals.requests += 1;
    this.#totals.input += sumOf(request.usage, INPUT_UNITS);
    this.#totals.output += sumOf(request.usage, OUTPUT_UNITS);
    this.#totals.cost += nanoUsdOf(request.cost);
    return {
      status: response.status,
      headers: response.headers,
      text,
      request,
      sent: [...this.upstream.requests],
    };
  }

  /** The counters hold what every replay booked, nothing is held, and the ledger proves it. */
  async verify(): Promise<void> {
    const { totals, held } = await usageOf(this.gateway, this.#key.externalId);
    expect(totals['requests']).toBe(this.#totals.requests);
    expect(totals['input_tokens'] ?? 0).toBe(this.#totals.input);
    expect(totals['output_tokens'] ?? 0).toBe(this.#totals.output);
    expect(nanoUsdOf(totals.cost_usd)).toBe(this.#totals.cost);
    expect(held['requests']).toBe(0);
    expect(nanoUsdOf(held.cost_usd)).toBe(0n);
    expect(await verifyLedger(this.gateway)).toMatchObject({
      ok: true,
      open_holds: 0,
      mismatches: [],
    });
  }
}

/** What was booked is what the provider counted, at the price of each class; or is marked as an estimate. */
export function expectBooked(request: ShownRequest, tokens: CountedTokens | null): void {
  const { usage } = request;
  expect(nanoUsdOf(request.cost)).toBe(costOf(usage));
  expect(request.estimated).toBe(tokens === null);
  expect(request.hold?.state).toBe('settled');
  if (tokens === null) {
    expect(sumOf(usage, INPUT_UNITS)).toBeGreaterThan(0);
    return;
  }
  expect(nanoUsdOf(request.cost)).toBeGreaterThan(0n);
  expect({
    input: sumOf(usage, INPUT_UNITS),
    output: sumOf(usage, OUTPUT_UNITS),
    cached: sumOf(usage, ['cache_read_tokens', 'cache_read_audio_tokens']),
    reasoning: usage['reasoning_tokens'] ?? 0,
    audioInput: sumOf(usage, ['input_audio_tokens', 'cache_read_audio_tokens']),
    audioOutput: usage['output_audio_tokens'] ?? 0,
  }).toMatchObject({ ...tokens });
}

/** Nothing was billed, and nothing stays held. */
export function expectNothingBooked(request: ShownRequest): void {
  expect(request.usage).toEqual({});
  expect(nanoUsdOf(request.cost)).toBe(0n);
  expect(request.hold?.state).toBe('voided');
}

/** The error object of a whole reply or of the last event of a stream. */
export function errorOf(replayed: Replayed): Loose {
  const isStream = replayed.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const last = isStream ? eventData(replayed.text).at(-1) : replayed.text;
  return looseOf(looseOf(JSON.parse(last ?? 'null'))['error']);
}
