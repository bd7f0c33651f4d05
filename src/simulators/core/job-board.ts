/**
 * Work that a simulated provider takes and finishes later: the part that all such wires share. What a job does follows
 * from its time and from words in its prompt, so that equal requests do the same:
 *
 * | word | meaning |
 * | --- | --- |
 * | `sim:queue=N`, `sim:takes=N` | ms in the queue (20), ms at work (60) |
 * | `sim:fail`, `sim:fail-billed` | it fails; the second is billed all the same |
 * | `sim:never` | it never ends |
 * | `sim:state=X` | a state of that name while it is at work |
 * | `sim:progress=none` | no progress is told |
 * | `sim:result=html`, `gone`, `redirect`, `private` | the result is a page, is not there, moves once, moves to a private address |
 * | `sim:expires=N` | addresses of results are good for so many ms |
 *
 * @module
 */
import { request } from 'node:http';
import { createRandom } from './random.ts';
import type { SimulatedUsage } from './reply.ts';

/** A file that a job has made. */
export interface MadeFile {
  readonly bytes: Buffer;
  readonly type: string;
}

export interface NewBoardJob {
  readonly family: string;
  readonly model: string;
  readonly operation: string;
  readonly prompt: string;
  /** The submitter's own name for it; null where the wire has no place for one. */
  readonly reference: string | null;
  /** What is billed when it succeeds. */
  readonly usage: SimulatedUsage;
  /** Made when it is asked for. */
  readonly files: readonly (() => MadeFile)[];
  /** What comes of it beside files. */
  readonly result: Readonly<Record<string, unknown>> | null;
  /** Where its end is told, and the headers that sign such a message. */
  readonly webhook: {
    readonly url: string;
    headers(body: string, id: string, seconds: number): Readonly<Record<string, string>>;
  } | null;
}

export type BoardState = 'queued' | 'running' | 'succeeded' | 'failed' | 'cancelled';

/** A job as it stands. */
export interface BoardJob extends NewBoardJob {
  readonly id: string;
  readonly createdAtMs: number;
  readonly state: BoardState;
  /** What the wire says while it is at work, where that is no usual name. */
  readonly oddState: string | null;
  /** From 0 to 1; null where it is not told. */
  readonly progress: number | null;
  readonly isBilled: boolean;
}

/** What the provider knows of a job at the end of a test: the truth that books are compared with. */
export interface BoardEntry {
  readonly id: string;
  readonly family: string;
  readonly model: string;
  readonly operation: string;
  readonly prompt: string;
  readonly reference: string | null;
  readonly createdAtMs: number;
  readonly state: BoardState;
  readonly isBilled: boolean;
  readonly billed: SimulatedUsage | null;
}

interface Kept {
  readonly job: NewBoardJob;
  readonly id: string;
  readonly createdAtMs: number;
  cancelledAtMs: number | null;
}

function wordOf(prompt: string, name: string): string | null {
  const match = new RegExp(`\\bsim:${name}(?:=([\\w-]+))?(?![\\w-])`).exec(prompt);
  return match === null ? null : (match[1] ?? '');
}

function msOf(prompt: string, name: string, fallback: number): number {
  const value = Number(wordOf(prompt, name) ?? Number.NaN);
  return Number.isFinite(value) ? value : fallback;
}

/** How the result of a job is to be served. */
export function resultFault(prompt: string): string | null {
  return wordOf(prompt, 'result');
}

/** For how long addresses of results are good; null: for ever. */
export function resultExpiresMs(prompt: string): number | null {
  const word = wordOf(prompt, 'expires');
  return word === null ? null : Number(word);
}

export class JobBoard {
  readonly #seed: string;
  readonly #nowMs: () => number;
  readonly #kept = new Map<string, Kept>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #next = 1;

  constructor(seed: string, nowMs: () => number = Date.now) {
    this.#seed = seed;
    this.#nowMs = nowMs;
  }

  /** Takes work. `tell` renders the body of its webhook. */
  submit(job: NewBoardJob, tell?: (job: BoardJob) => string): BoardJob {
    const id = `${job.family}-${createRandom(this.#seed, 'job', this.#next).alphanumeric(20)}`;
    this.#next += 1;
    const kept: Kept = { job, id, createdAtMs: this.#nowMs(), cancelledAtMs: null };
    this.#kept.set(id, kept);
    if (job.webhook !== null && tell !== undefined) this.#tellAtEnd(kept, tell);
    return this.#view(kept);
  }

  get(id: string): BoardJob | null {
    const kept = this.#kept.get(id);
    return kept === undefined ? null : this.#view(kept);
  }

  /** Stops work that has not ended. @returns false where it is too late */
  cancel(id: string): boolean {
    const kept = this.#kept.get(id);
    if (kept === undefined) return false;
    const { state } = this.#view(kept);
    if (state !== 'queued' && state !== 'running') return false;
    kept.cancelledAtMs = this.#nowMs();
    return true;
  }

  /** Newest first. */
  list(): readonly BoardJob[] {
    return [...this.#kept.values()].map((kept) => this.#view(kept)).toReversed();
  }

  /** In the order in which they were taken. */
  entries(): readonly BoardEntry[] {
    return this.list()
      .toReversed()
      .map((job) => {
        const { id, family, model, operation, prompt, reference } = job;
        const { createdAtMs, state, isBilled } = job;
        const billed = isBilled ? job.usage : null;
        const submitted = { id, family, model, operation, prompt, reference };
        return { ...submitted, createdAtMs, state, isBilled, billed };
      });
  }

  clear(): void {
    this.#kept.clear();
    this.close();
  }

  /** Ends what it does by itself. */
  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
  }

  #view({ job, id, createdAtMs, cancelledAtMs }: Kept): BoardJob {
    const { prompt } = job;
    const queueMs = msOf(prompt, 'queue', 20);
    const takesMs = msOf(prompt, 'takes', 60);
    const elapsedMs = (cancelledAtMs ?? this.#nowMs()) - createdAtMs;
    const isNever = wordOf(prompt, 'never') !== null;
    const isOver = !isNever && elapsedMs >= queueMs + takesMs;
    const fails = wordOf(prompt, 'fail') !== null;
    const failsBilled = wordOf(prompt, 'fail-billed') !== null;
    const ended: BoardState = fails || failsBilled ? 'failed' : 'succeeded';
    const working: BoardState = elapsedMs < queueMs ? 'queued' : 'running';
    const state = cancelledAtMs !== null ? 'cancelled' : isOver ? ended : working;
    const share = Math.min(1, Math.max(0, (elapsedMs - queueMs) / Math.max(1, takesMs)));
    return {
      ...job,
      id,
      createdAtMs,
      state,
      oddState: state === 'running' ? wordOf(prompt, 'state') : null,
      progress: wordOf(prompt, 'progress') === 'none' || isNever ? null : share,
      isBilled: state === 'succeeded' || (state === 'failed' && failsBilled),
    };
  }

  #tellAtEnd(kept: Kept, tell: (job: BoardJob) => string): void {
    const { prompt, webhook } = kept.job;
    if (webhook === null || wordOf(prompt, 'never') !== null) return;
    const delayMs = msOf(prompt, 'queue', 20) + msOf(prompt, 'takes', 60);
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      const body = tell(this.#view(kept));
      const seconds = Math.floor(this.#nowMs() / 1000);
      const headers = {
        'content-type': 'application/json',
        ...webhook.headers(body, `msg_${kept.id}`, seconds),
      };
      const call = request(webhook.url, { method: 'POST', headers }, (reply) => reply.resume());
      // Whoever listens may be gone.
      call.on('error', () => undefined);
      call.end(body);
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }
}
