/**
 * A gateway with simulators upstream whose every candidate is a model of its own, so that breakers, cool-downs and
 * retry budgets of one scenario do not reach another, and a client that keeps what a caller would see.
 *
 * @module
 */
import { request as httpRequest, type ClientRequest, type IncomingHttpHeaders } from 'node:http';
import type { DataPlaneSettings, Gateway } from '../../src/gateway/gateway.ts';
import {
  createSimulator,
  type FaultInput,
  type FaultRule,
  type Simulator,
  type SimulatorLogEntry,
  type SimulatorOptions,
} from '../../src/simulators/index.ts';
import {
  ADMIN_KEY,
  eventually,
  PROVIDER_KEY,
  providerEnvironment,
  SERVICE_KEY,
} from '../support/lab.ts';
import {
  requestOf,
  startTestGateway,
  verifyLedger,
  type ShownRequest,
  type TestGateway,
} from '../support/running-gateway.ts';

/** Which wires stand behind an alias: first candidate, then the fallback. */
export type Shape = 'openai' | 'gemini' | 'openai>gemini' | 'gemini>openai' | 'refused' | 'nowhere';

const BASE_MODELS = { openai: 'gpt-4o-mini', gemini: 'gemini-2.0-flash' } as const;
type Wire = keyof typeof BASE_MODELS;

const SHAPES: Readonly<Record<Shape, readonly [string, string]>> = {
  openai: ['openai', 'openai'],
  gemini: ['gemini', 'gemini'],
  'openai>gemini': ['openai', 'gemini'],
  'gemini>openai': ['gemini', 'openai'],
  refused: ['groq', 'openai'],
  nowhere: ['together', 'openai'],
};
const ALIASES_PER_SHAPE = 160;

/** Dated snapshots share the price of their model, so that there are as many priced names as there are days. */
function dated(wire: Wire, serial: number): string {
  const day = new Date(Date.UTC(2024, 0, 1) + serial * 86_400_000);
  return `${BASE_MODELS[wire]}-${day.toISOString().slice(0, 10)}`;
}

/** Two models that no other scenario uses. */
export interface Route {
  /** Name of the fallback list. */
  readonly alias: string;
  /** `provider/model` of each candidate; the first without its fallback. */
  readonly alone: string;
  /** Model ids as the upstream sees them. */
  readonly primary: string;
  readonly fallback: string;
  readonly family: Wire;
}

function aliasName(shape: Shape, serial: number): string {
  return `${shape.replace('>', '-to-')}.${serial}`;
}

function routeOf(shape: Shape, serial: number): Route {
  const [first, second] = SHAPES[shape];
  const place = Object.keys(SHAPES).indexOf(shape) * ALIASES_PER_SHAPE + serial;
  const primary =
    first === 'groq'
      ? `llama-3.1-8b-instant-${dated('openai', place).slice(-10)}`
      : first === 'together'
        ? `Gryphe/MythoMax-L2-13b-${dated('openai', place).slice(-10)}`
        : dated(first as Wire, place * 2);
  return {
    alias: aliasName(shape, serial),
    alone: `${first}/${primary}`,
    primary,
    fallback: dated(second as Wire, place * 2 + 1),
    family: first === 'gemini' ? 'gemini' : 'openai',
  };
}

function aliasConfig(): string {
  const lines: string[] = ['models:', '  aliases:'];
  for (const [shape, [, second]] of Object.entries(SHAPES)) {
    for (let serial = 0; serial < ALIASES_PER_SHAPE; serial += 1) {
      const route = routeOf(shape as Shape, serial);
      lines.push(
        `    - alias: ${route.alias}`,
        `      candidates: ["${route.alone}", "${second}/${route.fallback}"]`,
      );
    }
  }
  return lines.join('\n');
}

export interface FaultLabOptions {
  /** Further lines of `gateway.yaml`. */
  readonly config?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly simulator?: Partial<SimulatorOptions>;
  readonly port?: number;
  /** Timers that no setting of the configuration scales. */
  readonly settings?: Partial<DataPlaneSettings>;
}

export interface SendOptions {
  readonly model: string;
  readonly stream?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly key?: string;
}

/** What came back, however it ended. */
export interface Outcome {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Bytes as text. */
  readonly raw: string;
  /** False when the connection broke before the framing said that the body was over. */
  readonly isWhole: boolean;
  /** Milliseconds from the call to its end. */
  readonly tookMs: number;
  readonly text: string;
  readonly model: string | null;
  readonly finish: string | null;
  readonly usage: Readonly<Record<string, unknown>> | null;
  readonly error: Readonly<Record<string, unknown>> | null;
  readonly hasDone: boolean;
  /** Problems of the stream's form: frames that are no JSON, choices after an error. */
  readonly malformed: readonly string[];
}

interface Chunk {
  readonly model?: string;
  readonly usage?: Record<string, unknown> | null;
  readonly error?: Record<string, unknown>;
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null };
    readonly message?: { readonly content?: string | null };
    readonly finish_reason?: string | null;
  }[];
}

function readFrames(
  raw: string,
): Omit<Outcome, 'status' | 'headers' | 'raw' | 'isWhole' | 'tookMs'> {
  let [text, hasDone] = ['', false];
  let model: string | null = null;
  let finish: string | null = null;
  let usage: Record<string, unknown> | null = null;
  let error: Record<string, unknown> | null = null;
  const malformed: string[] = [];
  if (raw !== '' && !/[\r\n]{2}$/.test(raw)) malformed.push('the last frame has no end');
  // A line may end in CR, LF or both (WHATWG), and what passes through keeps its own.
  for (const frame of raw.replace(/\r\n?/g, '\n').split('\n\n')) {
    const data = frame
      .split('\n')
      .filter((line) => line.startsWith('data:'))
      .map((line) => line.slice(5).trim())
      .join('\n');
    if (data === '') continue;
    if (error !== null) malformed.push(`after the error: ${data.slice(0, 80)}`);
    if (data === '[DONE]') {
      hasDone = true;
      continue;
    }
    let chunk: Chunk;
    try {
      chunk = JSON.parse(data) as Chunk;
    } catch {
      malformed.push(`no JSON: ${data.slice(0, 80)}`);
      continue;
    }
    error = chunk.error ?? error;
    model = chunk.model ?? model;
    usage = chunk.usage ?? usage;
    text += chunk.choices?.[0]?.delta?.content ?? '';
    finish = chunk.choices?.[0]?.finish_reason ?? finish;
  }
  return { text, hasDone, model, finish, usage, error, malformed };
}

function readWhole(raw: string): ReturnType<typeof readFrames> {
  let body: Chunk = {};
  const malformed: string[] = [];
  try {
    body = JSON.parse(raw) as Chunk;
  } catch {
    malformed.push('the body is no JSON');
  }
  return {
    text: body.choices?.[0]?.message?.content ?? '',
    finish: body.choices?.[0]?.finish_reason ?? null,
    model: body.model ?? null,
    usage: body.usage ?? null,
    error: body.error ?? null,
    hasDone: false,
    malformed,
  };
}

/** A call whose client can be steered: left, half-closed, paused. */
export interface OpenCall {
  readonly client: ClientRequest;
  readonly outcome: Promise<Outcome>;
  /** Settles with the first bytes of the body. */
  readonly firstBytes: Promise<void>;
  /** Settles with the response headers. */
  readonly head: Promise<IncomingHttpHeaders>;
}

/** What the books say of a call, beside what the upstream logged of it. */
export interface Books {
  readonly record: ShownRequest;
  /** `provider/model outcome billable` of each attempt. */
  readonly attempts: readonly string[];
}

export class FaultLab {
  readonly url: string;
  readonly gateway: TestGateway;
  readonly simulator: Simulator;
  /** The pipeline's own object, for its lifecycle and its clock. */
  readonly inner: Gateway;
  readonly #taken = new Map<Shape, number>();

  constructor(gateway: TestGateway, simulator: Simulator) {
    this.gateway = gateway;
    this.simulator = simulator;
    this.url = gateway.url;
    this.inner = gateway.gateway.gateway;
  }

  /** Models that nothing else in this lab uses. */
  route(shape: Shape): Route {
    const serial = this.#taken.get(shape) ?? 0;
    if (serial >= ALIASES_PER_SHAPE) throw new Error(`No more aliases of shape ${shape}`);
    this.#taken.set(shape, serial + 1);
    return routeOf(shape, serial);
  }

  /** Sets what every call of a model meets, or a script. */
  fault(
    model: string,
    fault: FaultInput | readonly (FaultInput | null)[],
    more: Partial<FaultRule> = {},
  ): void {
    const sequence = Array.isArray(fault)
      ? (fault as (FaultInput | null)[])
      : [fault as FaultInput];
    const repeat = Array.isArray(fault) ? false : 'last';
    this.simulator.setFault({ match: { model }, sequence, repeat, ...more });
  }

  /** The upstream's own log of a model. */
  logOf(model: string): readonly SimulatorLogEntry[] {
    return this.simulator.log.filter((entry) => entry.model === model);
  }

  /** Starts a call and returns at once. */
  open(options: SendOptions): OpenCall {
    const body = Buffer.from(JSON.stringify(chatRequest(options)));
    const startedAtMs = performance.now();
    const outcome = Promise.withResolvers<Outcome>();
    const firstBytes = Promise.withResolvers<void>();
    const head = Promise.withResolvers<IncomingHttpHeaders>();
    const client = httpRequest(`${this.url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: {
        authorization: `Bearer ${options.key ?? SERVICE_KEY}`,
        'content-type': 'application/json',
        'content-length': String(body.length),
        ...options.headers,
      },
    });
    client.on('response', (response) => {
      head.resolve(response.headers);
      const parts: Buffer[] = [];
      response.on('data', (part: Buffer) => {
        parts.push(part);
        firstBytes.resolve();
      });
      response.on('error', () => {});
      response.on('close', () => {
        const raw = Buffer.concat(parts).toString('utf8');
        const isStream = response.headers['content-type']?.startsWith('text/event-stream') === true;
        outcome.resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          raw,
          isWhole: response.complete,
          tookMs: performance.now() - startedAtMs,
          ...(isStream ? readFrames(raw) : readWhole(raw)),
        });
      });
    });
    client.on('error', (error) => {
      outcome.reject(error);
      head.reject(error);
    });
    // A test that steers the client away does not look at all of these.
    for (const each of [outcome.promise, head.promise]) each.catch(() => {});
    client.end(body);
    return { client, outcome: outcome.promise, firstBytes: firstBytes.promise, head: head.promise };
  }

  send(options: SendOptions): Promise<Outcome> {
    return this.open(options).outcome;
  }

  /** The booked request of a reply. */
  async books(outcome: Pick<Outcome, 'headers'>): Promise<Books> {
    const record = await requestOf(this.gateway, String(outcome.headers['x-request-id']));
    return {
      record,
      attempts: record.attempt_rows.map(
        (row) => `${row.model_requested} ${row.outcome} ${row.billable}`,
      ),
    };
  }

  /** Nothing is left behind: no call in progress, no open hold, no upstream connection at work, books that agree. */
  async assertClean(): Promise<void> {
    await eventually(() => this.inner.lifecycle.inFlight === 0);
    await eventually(() => this.simulator.log.every((entry) => entry.outcome !== 'open'));
    const { interrupts, drains } = this.inner.lifecycle;
    const verified = await verifyLedger(this.gateway);
    const found = {
      interrupts: interrupts.size,
      drains,
      ok: verified.ok,
      openHolds: verified.open_holds,
      mismatches: verified.mismatches,
    };
    const wanted = { interrupts: 0, drains: 0, ok: true, openHolds: 0, mismatches: [] };
    if (JSON.stringify(found) !== JSON.stringify(wanted)) {
      throw new Error(`Something is left behind: ${JSON.stringify(found)}`);
    }
  }

  async close(): Promise<void> {
    await this.gateway.stop();
    await this.simulator.close();
  }
}

/** With the lab's seed the simulated answer has 60 tokens; the text is the same on every wire. */
export const PROMPT = 'Tell me of rivers, gardens and quiet mornings, in many words';

function chatRequest(options: SendOptions): object {
  return {
    model: options.model,
    messages: [{ role: 'user', content: PROMPT }],
    max_tokens: 300,
    ...(options.stream === true ? { stream: true } : {}),
    ...options.body,
  };
}

/** Starts simulator and gateway. Timers are those of the configuration unless a test scales them. */
export async function openFaultLab(options: FaultLabOptions = {}): Promise<FaultLab> {
  const simulator = await createSimulator({ seed: 'faults-4', ...options.simulator });
  const gateway = await startTestGateway({
    environment: {
      GATEWAY_ADMIN_KEY: ADMIN_KEY,
      GATEWAY_API_KEY: SERVICE_KEY,
      ...providerEnvironment(simulator),
      // Nobody listens on port 1.
      GROQ_API_KEY: PROVIDER_KEY,
      GROQ_BASE_URL: 'http://127.0.0.1:1',
      // RFC 6761 §6.4: `.invalid` never resolves.
      TOGETHER_API_KEY: PROVIDER_KEY,
      TOGETHER_BASE_URL: 'http://nowhere.invalid',
      ...options.environment,
    },
    ...(options.port === undefined ? {} : { port: options.port }),
    config: `${options.config ?? ''}\n${aliasConfig()}\n`,
  });
  Object.assign(gateway.gateway.gateway.settings, options.settings);
  return new FaultLab(gateway, simulator);
}
