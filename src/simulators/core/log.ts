/**
 * The simulator's own record of what reached it and what it really sent: the truth that tests compare the
 * gateway's books with.
 *
 * @module
 */
import { closeSync, openSync, writeSync } from 'node:fs';
import type { SimulatedUsage } from './reply.ts';

/**
 * - `open`: not finished yet
 * - `completed`: everything that was meant to be sent has been handed to the network, faults included
 * - `client_closed`: the caller closed the connection first
 * - `reset`: a fault broke the connection
 */
export type SimulatorOutcome = 'open' | 'completed' | 'client_closed' | 'reset';

export interface SimulatorLogEntry {
  /** Also sent as `x-simulator-call`, and as `x-request-id` where the family has that header. */
  readonly id: string;
  /** From 1, in the order in which requests were complete. */
  readonly sequence: number;
  /** Milliseconds since the epoch. */
  readonly startedAtMs: number;
  readonly firstByteAtMs: number | null;
  readonly endedAtMs: number | null;
  /** `openai`, `gemini`, `huggingface`; null for a path that no family serves. */
  readonly family: string | null;
  /** The caller's own id, as `x-client-request-id`; null without one. */
  readonly clientRequestId: string | null;
  readonly method: string;
  /** Path and query as received. */
  readonly path: string;
  /** Model as asked for. */
  readonly model: string | null;
  readonly stream: boolean;
  /** Types of the faults that were in force. */
  readonly faults: readonly string[];
  /** Last four characters of the credential. */
  readonly keyLast4: string | null;
  /** True when this connection had served a call before. */
  readonly connectionReused: boolean;
  readonly requestBytes: number;
  readonly status: number | null;
  /** Payload bytes handed to the network, before chunk framing. */
  readonly bytesSent: number;
  readonly eventsSent: number;
  /** Of those, events with visible text, a tool call or a thought. */
  readonly contentEventsSent: number;
  readonly outcome: SimulatorOutcome;
  readonly clientClosedEarly: boolean;
  /** What the provider bills: usage really produced; null where nothing is billed. */
  readonly billed: SimulatedUsage | null;
  /** Only with `recordRequests`. */
  readonly requestHeaders?: Readonly<Record<string, string | readonly string[] | undefined>>;
  /** Only with `recordRequests`. */
  readonly requestBody?: string;
}

type Mutable<Type> = { -readonly [Name in keyof Type]: Type[Name] };
export type OpenEntry = Mutable<SimulatorLogEntry>;

export interface SimulatorLog {
  readonly entries: SimulatorLogEntry[];
  start(entry: OpenEntry): void;
  end(entry: OpenEntry): void;
  /** Settles when no call is open. */
  idle(): Promise<void>;
  clear(): void;
  close(): void;
}

/** A log in memory and, with a file, as NDJSON: one line `start` and one line `end` a call, written before the call goes on. */
export function createLog(file: string | null): SimulatorLog {
  const entries: SimulatorLogEntry[] = [];
  const open = new Set<OpenEntry>();
  let waiting: (() => void)[] = [];
  let descriptor = file === null ? null : openSync(file, 'a', 0o600);
  const write = (event: 'start' | 'end', entry: OpenEntry): void => {
    if (descriptor !== null) writeSync(descriptor, `${JSON.stringify({ event, ...entry })}\n`);
  };
  return {
    entries,
    start(entry) {
      entries.push(entry);
      open.add(entry);
      write('start', entry);
    },
    end(entry) {
      if (!open.delete(entry)) return;
      write('end', entry);
      if (open.size > 0) return;
      for (const resolve of waiting) resolve();
      waiting = [];
    },
    idle() {
      if (open.size === 0) return Promise.resolve();
      const { promise, resolve } = Promise.withResolvers<void>();
      waiting.push(resolve);
      return promise;
    },
    clear() {
      entries.length = 0;
    },
    close() {
      if (descriptor !== null) closeSync(descriptor);
      descriptor = null;
    },
  };
}
