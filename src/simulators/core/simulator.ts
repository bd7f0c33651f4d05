/**
 * The server: one port for every family, under its prefix and, where paths do not collide, at the root.
 *
 * @module
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { answerControl } from './control.ts';
import { findFault, type Fault } from './fault.ts';
import { createFaultRules, type FaultRule, type FaultRules } from './fault-rules.ts';
import type { FamilyRoute, SimulatedCall, SimulatorFamily, SimulatorVoice } from './family.ts';
import { JobBoard, type BoardEntry } from './job-board.ts';
import { parseJson } from './json.ts';
import { paceOf, type Latency } from './latency.ts';
import { createLog, type OpenEntry, type SimulatorLog, type SimulatorLogEntry } from './log.ts';
import { hang, pause, play, resetConnection, type Exchange } from './player.ts';
import { createRandom } from './random.ts';
import type { BodyReply, SimulatedReply } from './reply.ts';
import { traitsOf } from './traits.ts';
import { planBody, planStream } from './transmission.ts';

export interface SimulatorOptions {
  /** Everything invented follows from it and from the request. */
  readonly seed: string | number;
  /** Default `127.0.0.1`. */
  readonly host?: string;
  /** Default 0: a free one. */
  readonly port?: number;
  /** Scripts in force from the start; `reset` forgets them. */
  readonly faults?: readonly FaultRule[];
  /** Default: none. */
  readonly latency?: Latency;
  /** NDJSON file that the log is appended to. */
  readonly logFile?: string;
  /** The only credential accepted; by default any, and none, but those that contain `bad`. */
  readonly apiKey?: string;
  /** Keeps headers and body of requests in the log. */
  readonly recordRequests?: boolean;
  /** What is billed when the caller leaves: what had been produced (`cancel`, default), or all of it (`finish`). */
  readonly onClientGone?: 'cancel' | 'finish';
  /** Speaks for real; closed with the simulator. Default: tones. */
  readonly voice?: SimulatorVoice;
}

export interface Simulator {
  /** Origin without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Live: entries are added as calls come in. */
  readonly log: readonly SimulatorLogEntry[];
  /** Work that was taken, in the order in which it was, as it stands now. */
  jobs(): readonly BoardEntry[];
  /** @throws TypeError when a step of the rule names no fault */
  setFault(rule: FaultRule): void;
  /** Forgets scripts and their counters. */
  clearFaults(): void;
  /** Forgets scripts, counters, the log and all work. */
  reset(): void;
  /** Settles when no call is open. */
  idle(): Promise<void>;
  /** Breaks open connections and frees the port. */
  close(): Promise<void>;
}

const GONE = 'connection ended';
const NO_WAIT = { form: 'none' } as const;
/** As OpenAI takes it. */
const MAX_ID_CHARACTERS = 512;
const MAX_BODY_BYTES = 512 * 1024 * 1024;

interface Shop {
  readonly options: SimulatorOptions;
  readonly families: readonly SimulatorFamily[];
  readonly log: SimulatorLog;
  readonly rules: FaultRules;
  readonly jobs: JobBoard;
  readonly served: WeakMap<Socket, number>;
  readonly seed: string;
  readonly startedAtMs: number;
  nextSequence: number;
}

async function readBody(request: IncomingMessage): Promise<Buffer | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) continue;
      size += chunk.length;
      if (size > MAX_BODY_BYTES) return null;
      chunks.push(chunk);
    }
  } catch {
    return null;
  }
  return chunks.length === 1 ? (chunks[0] ?? null) : Buffer.concat(chunks);
}

interface Routed {
  readonly family: SimulatorFamily | null;
  readonly call: SimulatedCall;
  readonly route: FamilyRoute | null;
}

function routeCall(shop: Shop, request: IncomingMessage, body: Buffer): Routed {
  const [rawPath = '/', query = ''] = (request.url ?? '/').split('?', 2);
  const sequence = shop.nextSequence;
  shop.nextSequence += 1;
  const base = {
    id: `req_${createRandom(shop.seed, 'call', sequence).alphanumeric(24)}`,
    seed: shop.seed,
    method: request.method ?? 'GET',
    query: new URLSearchParams(query),
    headers: request.headers,
    body,
    jobs: shop.jobs,
    json: body.length === 0 ? undefined : parseJson(body.toString('utf8')),
    voice: shop.options.voice ?? null,
  };
  for (const family of shop.families) {
    const prefix = `/${family.name}`;
    if (rawPath !== prefix && !rawPath.startsWith(`${prefix}/`)) continue;
    const call = { ...base, prefix, path: rawPath.slice(prefix.length) };
    return { family, call, route: family.route(call) };
  }
  const call = { ...base, prefix: '', path: rawPath };
  for (const family of shop.families) {
    const route = family.route(call);
    if (route !== null) return { family, call, route };
  }
  return { family: null, call, route: null };
}

function clientRequestIdOf({ headers }: IncomingMessage): string | null {
  const id = headers['x-client-request-id'];
  return typeof id === 'string' ? id.slice(0, MAX_ID_CHARACTERS) : null;
}

function openEntry(shop: Shop, request: IncomingMessage, routed: Routed): OpenEntry {
  const { call, route, family } = routed;
  const credential = family?.credentialOf(call) ?? null;
  const served = shop.served.get(request.socket) ?? 0;
  shop.served.set(request.socket, served + 1);
  return {
    id: call.id,
    sequence: shop.nextSequence - 1,
    startedAtMs: Date.now(),
    firstByteAtMs: null,
    endedAtMs: null,
    family: family?.name ?? null,
    clientRequestId: clientRequestIdOf(request),
    method: call.method,
    path: request.url ?? '/',
    model: route?.model ?? null,
    stream: route?.stream ?? false,
    faults: [],
    keyLast4: credential === null ? null : credential.slice(-4),
    connectionReused: served > 0,
    requestBytes: call.body.length,
    status: null,
    bytesSent: 0,
    eventsSent: 0,
    contentEventsSent: 0,
    outcome: 'open',
    clientClosedEarly: false,
    billed: null,
    ...(shop.options.recordRequests === true
      ? { requestHeaders: { ...request.headers }, requestBody: call.body.toString('utf8') }
      : {}),
  };
}

function plainReply(status: number, message: string): BodyReply {
  const body = JSON.stringify({ error: message });
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json' },
    body,
    usage: null,
  };
}

function isRefused(shop: Shop, credential: string | null): boolean {
  const { apiKey } = shop.options;
  if (apiKey !== undefined) return credential !== apiKey;
  return credential !== null && credential.includes('bad');
}

function redirectReply(fault: Extract<Fault, { readonly type: 'redirect' }>): BodyReply {
  const location = fault.location ?? 'https://elsewhere.simulator.invalid/v1/moved';
  const headers = { location, 'content-type': 'text/html' };
  return { kind: 'body', status: fault.status, headers, body: '<html>Moved</html>', usage: null };
}

function replyTo(
  shop: Shop,
  routed: Routed,
  faults: readonly Fault[],
): SimulatedReply | Promise<SimulatedReply> {
  const { family, call, route } = routed;
  if (family === null) return plainReply(404, `No simulated provider serves ${call.path}`);
  const redirect = findFault(faults, 'redirect');
  if (redirect !== undefined) return redirectReply(redirect);
  const credential = family.credentialOf(call);
  if (isRefused(shop, credential)) return family.unauthorised(call, credential);
  if (route === null) return family.notFound(call);
  const error = findFault(faults, 'error');
  if (error === undefined) return route.answer(faults);
  const inside = family.inside200?.(error.error) ?? null;
  if (inside !== null) return route.answer([...faults, inside]);
  return family.error(error.error, {
    model: route.model,
    status: error.status ?? null,
    wait: error.wait ?? NO_WAIT,
    nowMs: Date.now(),
    callId: call.id,
  });
}

/** Faults that strike before an answer exists; true when the call is over. */
async function strikeEarly(exchange: Exchange, faults: readonly Fault[]): Promise<boolean> {
  const reset = findFault(faults, 'reset');
  if (
    reset?.at === 'before-headers' ||
    (reset?.at === 'reused' && exchange.entry.connectionReused)
  ) {
    resetConnection(exchange);
    return true;
  }
  const stall = findFault(faults, 'stall');
  if (stall?.at !== 'headers') return false;
  if (stall.ms === null) {
    await hang(exchange);
    return true;
  }
  return !(await pause(exchange, stall.ms));
}

/** Read through a function, as the entry changes while its call is played. */
function wasLeft(entry: OpenEntry): boolean {
  return entry.outcome === 'client_closed';
}

async function answer(shop: Shop, exchange: Exchange, routed: Routed): Promise<void> {
  const { call, route } = routed;
  const { entry } = exchange;
  const header = call.headers['x-simulator-fault'];
  const faults = shop.rules.select({
    family: entry.family,
    model: entry.model,
    path: call.path,
    keyLast4: entry.keyLast4,
    header: typeof header === 'string' ? header : null,
    nowMs: entry.startedAtMs,
  });
  entry.faults = faults.map((fault) => fault.type);
  if (faults.length > 0 && (await strikeEarly(exchange, faults))) return;
  const reply = await replyTo(shop, routed, faults);
  const random = createRandom(shop.seed, 'pace', call.id);
  const pace = paceOf(shop.options.latency ?? {}, traitsOf(route?.model ?? ''), random);
  const plan =
    reply.kind === 'body' ? planBody(reply, faults, pace) : planStream(reply, faults, pace);
  const headers = { ...plan.headers, 'x-simulator-call': call.id };
  await play(exchange, { ...plan, headers }, faults);
  if (exchange.signal.aborted && wasLeft(entry) && shop.options.onClientGone === 'finish') {
    entry.billed = reply.usage;
  }
}

/** Ends the entry once, when the response is over one way or the other. */
function watch(shop: Shop, response: ServerResponse, entry: OpenEntry): AbortSignal {
  const controller = new AbortController();
  const end = (outcome: 'completed' | 'client_closed'): void => {
    if (entry.endedAtMs !== null) return;
    if (entry.outcome === 'open') entry.outcome = outcome;
    entry.clientClosedEarly = entry.outcome === 'client_closed';
    entry.endedAtMs = Date.now();
    // After the microtasks of the player, so that what it books on leaving is in the line that is written.
    setImmediate(() => shop.log.end(entry));
  };
  response.once('finish', () => end('completed'));
  response.once('close', () => {
    // A ready-made reason: building an AbortError for every call is measurable under load.
    controller.abort(GONE);
    end('client_closed');
  });
  return controller.signal;
}

async function serve(
  shop: Shop,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const body = await readBody(request);
  if (body === null) {
    response.destroy();
    return;
  }
  const control = answerControl(shop, request, body);
  if (control !== null) {
    response.writeHead(control.status, { 'content-type': 'application/json' });
    response.end(control.body);
    return;
  }
  const routed = routeCall(shop, request, body);
  const entry = openEntry(shop, request, routed);
  shop.log.start(entry);
  const signal = watch(shop, response, entry);
  const exchange: Exchange = { request, response, entry, signal };
  try {
    await answer(shop, exchange, routed);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const reply = plainReply(error instanceof TypeError ? 400 : 500, `Simulator: ${message}`);
    entry.status = reply.status;
    if (response.headersSent) response.destroy();
    else response.writeHead(reply.status, reply.headers).end(reply.body);
  }
}

async function listen(server: Server, options: SimulatorOptions): Promise<number> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.port ?? 0, options.host ?? '127.0.0.1', () => resolve());
  await promise;
  const address: string | AddressInfo | null = server.address();
  if (address === null || typeof address === 'string') throw new Error('No TCP address');
  return address.port;
}

/**
 * Starts a simulator over the given families; the first that serves a path at the root gets it.
 *
 * @throws Error of `listen`, such as EADDRINUSE
 */
export async function startSimulator(
  options: SimulatorOptions,
  families: readonly SimulatorFamily[],
): Promise<Simulator> {
  const seed = String(options.seed);
  const shop: Shop = {
    options,
    families,
    log: createLog(options.logFile ?? null),
    rules: createFaultRules(seed, options.faults ?? []),
    jobs: new JobBoard(seed),
    served: new WeakMap(),
    seed,
    startedAtMs: Date.now(),
    nextSequence: 1,
  };
  const server = createServer(
    { keepAliveTimeout: 60_000, requestTimeout: 0 },
    (request, response) => {
      serve(shop, request, response).catch(() => response.destroy());
    },
  );
  const port = await listen(server, options);
  const host = options.host ?? '127.0.0.1';
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${String(port)}`,
    port,
    log: shop.log.entries,
    jobs: () => shop.jobs.entries(),
    clearFaults: () => shop.rules.clear(),
    setFault: (rule) => shop.rules.set(rule),
    reset() {
      shop.rules.clear();
      shop.log.clear();
      shop.jobs.clear();
    },
    idle: () => shop.log.idle(),
    async close() {
      shop.jobs.close();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
      await shop.log.idle();
      shop.log.close();
      await options.voice?.close();
    },
  };
}
