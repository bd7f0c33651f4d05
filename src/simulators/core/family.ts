/**
 * What a family of wire protocols gives the engine.
 *
 * @module
 */
import type { IncomingHttpHeaders } from 'node:http';
import type { Fault, FaultError, RetryWait } from './fault.ts';
import type { JobBoard } from './job-board.ts';
import type { BodyReply, SimulatedReply } from './reply.ts';

/** Speaks for real where the simulators are given a voice; without one they make tones. */
export interface SimulatorVoice {
  /** A whole file; null for a form that the voice does not make. */
  speak(wish: {
    readonly text: string;
    readonly voice: string;
    readonly speed: number;
    readonly format: string;
  }): Promise<{ readonly bytes: Buffer; readonly type: string } | null>;
  close(): Promise<void>;
}

/** One request as received. */
export interface SimulatedCall {
  /** Unique in this simulator: also the provider's request id. */
  readonly id: string;
  readonly seed: string;
  readonly method: string;
  /** The family's prefix as it was called: `/openai`, or nothing at the root. */
  readonly prefix: string;
  /** Path after the family's prefix, not decoded. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; undefined when it is none. */
  readonly json: unknown;
  /** Work that was taken and is finished later, of all families. */
  readonly jobs: JobBoard;
  readonly voice: SimulatorVoice | null;
}

export interface FamilyRoute {
  /** Model as asked for, with traits and faults in its name. */
  readonly model: string | null;
  readonly stream: boolean;
  answer(faults: readonly Fault[]): SimulatedReply | Promise<SimulatedReply>;
}

export interface ErrorContext {
  readonly model: string | null;
  readonly status: number | null;
  readonly wait: RetryWait;
  readonly nowMs: number;
  readonly callId: string;
}

export interface SimulatorFamily {
  readonly name: string;
  /** Null for a path that this family does not serve. */
  route(call: SimulatedCall): FamilyRoute | null;
  /** The credential as this family's callers send it. */
  credentialOf(call: SimulatedCall): string | null;
  /** An error as this provider says it. */
  error(error: FaultError, context: ErrorContext): BodyReply;
  /** An unknown path. */
  notFound(call: SimulatedCall): BodyReply;
  /** A refused credential. */
  unauthorised(call: SimulatedCall, credential: string | null): BodyReply;
  /** An error that this provider says inside HTTP 200, as the fault that makes it do so. */
  inside200?(error: FaultError): Fault | null;
}
