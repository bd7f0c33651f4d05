/**
 * Who waits for what becomes of jobs, in this process.
 *
 * @module
 */
import { isEnded, type JobRecord } from '../../metering/job-port.ts';

type Listener = (job: JobRecord) => void;

export class JobListeners {
  readonly #of = new Map<string, Set<Listener>>();
  readonly #all = new Set<Listener>();

  /** Tells whoever waits of a job as it is now. */
  tell(job: JobRecord): void {
    for (const listener of [...(this.#of.get(job.id) ?? []), ...this.#all]) listener(job);
  }

  /** Calls `listener` with every change of a job. @returns unsubscribes */
  on(jobId: string, listener: Listener): () => void {
    const listeners = this.#of.get(jobId) ?? new Set();
    listeners.add(listener);
    this.#of.set(jobId, listeners);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#of.delete(jobId);
    };
  }

  /** Calls `listener` with every change of any job. @returns unsubscribes */
  onAny(listener: Listener): () => void {
    this.#all.add(listener);
    return () => void this.#all.delete(listener);
  }

  /** Settles with the job once it has ended; `signal` gives up, with null. */
  ended(jobId: string, signal: AbortSignal): Promise<JobRecord | null> {
    return new Promise((resolve) => {
      const off = this.on(jobId, (job) => {
        if (isEnded(job.state)) done(job);
      });
      const giveUp = (): void => done(null);
      const done = (job: JobRecord | null): void => {
        off();
        signal.removeEventListener('abort', giveUp);
        resolve(job);
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp);
    });
  }
}
