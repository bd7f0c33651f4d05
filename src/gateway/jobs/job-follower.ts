/**
 * Follows one job from its ticket to its end.
 *
 * @module
 */
import { type GatewayError, isGatewayError } from '../../contracts/gateway-error.ts';
import type { JobReading, JobResult } from '../../contracts/job-provider.ts';
import type { ProviderFailure } from '../../contracts/provider-failure.ts';
import type { JobChange, JobOutput, JobRecord } from '../../metering/job-port.ts';
import type { WireRequest } from '../../contracts/wire.ts';
import { finalError } from '../../routing/index.ts';
import { collectOutputs } from './collect-outputs.ts';
import {
  changeJob,
  emptyOutcome,
  endJob,
  type FollowedProvider,
  type JobContext,
  providerOf,
  sleep,
} from './job-context.ts';
import type { JobOutcome } from './job-settlement.ts';
import { callProvider, readReply, type ProviderAnswer } from './provider-call.ts';
import { shownTranscript } from './shown-transcript.ts';
import type { Slots } from './slots.ts';

const POLL_TIMEOUT_MS = 30_000;
/** Longest wait between two questions while the provider fails. */
const FAILING_WAIT_MAX_MS = 30_000;
/** Answers of "no such work" in a row before it is believed: lists lag behind. */
const GONE_MAX = 3;
const COLLECT_TRIES = 4;
const COLLECT_WAIT_MS = 1_000;
/** What says that nothing can be stored at the moment. */
const OURS: ReadonlySet<string> = new Set(['overloaded', 'metering_unavailable']);
/** Steps of progress that are worth a write. */
const PROGRESS_STEP = 0.01;
const GONE_STATUS: ReadonlySet<number> = new Set([404, 410]);

export interface FollowerSlots {
  readonly polls: Slots;
  readonly downloads: Slots;
}

export class JobFollower {
  readonly #context: JobContext;
  readonly #slots: FollowerSlots;
  readonly #collected: JobOutput[] = [];
  #job: JobRecord;
  #told: JobReading | null = null;
  #wake = new AbortController();
  #questions = 0;
  #failures = 0;
  #gone = 0;
  #collectTries = 0;
  #storeFailures = 0;
  #isCancelSent = false;

  constructor(context: JobContext, slots: FollowerSlots, job: JobRecord) {
    this.#context = context;
    this.#slots = slots;
    this.#job = job;
  }

  /** What a webhook has said. */
  tell(reading: JobReading): void {
    this.#told = reading;
    this.#wake.abort();
  }

  /** The job is to be cancelled; it has been noted in the store. */
  cancel(job: JobRecord): void {
    this.#job = { ...this.#job, cancelAskedAtMs: job.cancelAskedAtMs, version: job.version };
    this.#wake.abort();
  }

  /** Runs until the job has ended, or the process does. `first`: what the submission said. */
  async run(first: JobReading | null): Promise<void> {
    const { closing, gateway } = this.#context;
    let reading = first;
    while (!closing.aborted) {
      const isOver = reading !== null && (await this.#take(reading));
      if (isOver || closing.aborted) return;
      await this.#pause(reading);
      if (closing.aborted) return;
      const nowMs = gateway.clock.nowMs();
      if (nowMs >= this.#job.deadlineAtMs) return await this.#expire();
      if (this.#job.cancelAskedAtMs !== null && !this.#isCancelSent) await this.#cancelUpstream();
      const told = this.#told;
      // Taken before anybody is asked: what is told meanwhile is for the next turn.
      this.#told = null;
      reading = told ?? (await this.#poll());
    }
  }

  get #followed(): FollowedProvider | null {
    return providerOf(this.#context.gateway, this.#job);
  }

  async #ask(request: (followed: FollowedProvider) => WireRequest): Promise<ProviderAnswer | null> {
    const followed = this.#followed;
    if (followed === null) return null;
    const { gateway, interrupts } = this.#context;
    const ask = { request: request(followed), timeoutMs: POLL_TIMEOUT_MS, interrupts };
    return await this.#slots.polls.run(() => callProvider(gateway, followed.provider, ask));
  }

  /** @returns null where nothing was learned */
  async #poll(): Promise<JobReading | null> {
    const { ticket } = this.#job;
    if (ticket === null) return null;
    const answer = await this.#ask(({ protocol, target }) => protocol.poll(ticket, target));
    this.#questions += 1;
    const followed = this.#followed;
    if (answer === null || followed === null) return this.#failed(null);
    if (answer.type === 'failed') {
      // Some wires tell of work that failed by the status of its result.
      const { reply } = answer;
      const end = reply === null ? null : followed.protocol.readPollError?.(ticket, reply);
      return end ?? this.#failed(answer);
    }
    const read = readReply(answer, (reply) => followed.protocol.readPoll(ticket, reply));
    if (read.type === 'failed') return this.#failed(read);
    this.#failures = 0;
    this.#gone = 0;
    return read.value;
  }

  #failed(answer: Extract<ProviderAnswer, { type: 'failed' }> | null): JobReading | null {
    this.#failures += 1;
    const isGone = answer?.status !== null && GONE_STATUS.has(answer?.status ?? 0);
    this.#gone = isGone ? this.#gone + 1 : 0;
    return this.#gone >= GONE_MAX ? { type: 'expired' } : null;
  }

  /** Waits until it is time to ask again, or until somebody tells. */
  async #pause(reading: JobReading | null): Promise<void> {
    if (this.#told !== null) return;
    const { gateway, closing } = this.#context;
    const { min, usual } = this.#followed?.protocol.pollEveryMs ?? { min: 1_000, usual: 5_000 };
    const named = reading?.type === 'pending' ? reading.waitMs : null;
    const calm = named ?? usual * Math.min(3, 1 + this.#questions / 20);
    const failing = Math.min(FAILING_WAIT_MAX_MS, usual * 2 ** this.#failures);
    const jittered = (this.#failures > 0 ? failing : calm) * (0.8 + 0.4 * gateway.random());
    const untilDeadlineMs = this.#job.deadlineAtMs - gateway.clock.nowMs();
    const isCancelling = this.#job.cancelAskedAtMs !== null && !this.#isCancelSent;
    const waitMs = isCancelling
      ? 0
      : Math.min(Math.max(min, jittered), Math.max(0, untilDeadlineMs));
    this.#wake = new AbortController();
    await sleep(waitMs, AbortSignal.any([closing, this.#wake.signal]));
  }

  /** Acts on what the provider says. @returns whether the job is over */
  async #take(reading: JobReading): Promise<boolean> {
    switch (reading.type) {
      case 'pending':
        await this.#note(reading);
        return false;
      case 'succeeded':
        return await this.#collect(reading.result);
      case 'failed':
        await this.#end(
          'failed',
          reading.isBilled,
          failureError(this.#job.provider, reading.failure),
        );
        return true;
      case 'cancelled':
        await this.#end('cancelled', reading.isBilled, null);
        return true;
      case 'expired':
        await endJob(
          this.#context,
          this.#job,
          emptyOutcome(this.#job, {
            state: 'expired',
            billable: 'unknown',
            error: {
              code: 'provider_error',
              message: 'The provider no longer knows this work, so its end cannot be learned.',
            },
          }),
        );
        return true;
    }
  }

  async #end(
    state: 'failed' | 'cancelled',
    isBilled: boolean,
    error: JobOutcome['error'],
  ): Promise<void> {
    const billable = isBilled ? 'yes' : 'no';
    await endJob(this.#context, this.#job, emptyOutcome(this.#job, { state, billable, error }));
  }

  /** Writes down what has moved. */
  async #note(reading: Extract<JobReading, { type: 'pending' }>): Promise<void> {
    const { gateway } = this.#context;
    const job = this.#job;
    const change: { -readonly [Name in keyof JobChange]: JobChange[Name] } = {};
    if (reading.ticket !== null) change.ticket = reading.ticket;
    if (reading.stage === 'running' && job.state === 'queued') {
      change.state = 'running';
      change.startedAtMs = gateway.clock.nowMs();
    }
    const { progress } = reading;
    if (progress !== null && Math.abs(progress - (job.progress ?? 0)) >= PROGRESS_STEP) {
      change.progress = progress;
    }
    if (Object.keys(change).length === 0) return;
    this.#job = (await changeJob(this.#context, job, change)) ?? job;
  }

  /** Stores what was made, and ends the job. @returns false where it is tried again */
  async #collect(result: JobResult): Promise<boolean> {
    const followed = this.#followed;
    if (followed === null) return false;
    const { gateway, closing } = this.#context;
    const { outputs } = result;
    try {
      await this.#slots.downloads.run(() =>
        collectOutputs(this.#context, this.#job, { outputs, followed, collected: this.#collected }),
      );
    } catch (error) {
      if (closing.aborted) return false;
      if (isGatewayError(error) && error.code === 'content_filtered') {
        await this.#withhold(result, error);
        return true;
      }
      // Our own trouble, such as a full disk, is no fault of the result: it waits where it is.
      const isOver = gateway.clock.nowMs() >= this.#job.deadlineAtMs;
      const isOurs = !isOver && isGatewayError(error) && OURS.has(error.code);
      if (isOurs) this.#storeFailures += 1;
      else this.#collectTries += 1;
      gateway.recorder.fault(error, { jobId: this.#job.id, step: 'collect' });
      if (!isOver && this.#collectTries < COLLECT_TRIES) {
        const doublings = Math.max(0, this.#collectTries + this.#storeFailures - 1);
        await sleep(Math.min(FAILING_WAIT_MAX_MS, COLLECT_WAIT_MS * 2 ** doublings), closing);
        // Asked again, since an address may have expired.
        return false;
      }
      await endJob(this.#context, this.#job, {
        ...emptyOutcome(this.#job, {
          state: 'failed',
          billable: 'yes',
          error: {
            code: 'provider_error',
            message: 'The provider has finished, but its result could not be fetched or checked.',
          },
        }),
        facts: result.facts,
        outputs: this.#collected,
      });
      return true;
    }
    await endJob(this.#context, this.#job, {
      state: 'succeeded',
      billable: 'yes',
      facts: result.facts,
      outputs: this.#collected,
      result: resultText(result),
      error: null,
      warnings: this.#job.warnings,
    });
    return true;
  }

  /** Ends a job whose result a moderation refuses: it was made and is charged, and nothing of it is kept. */
  async #withhold({ facts }: JobResult, { code, message }: GatewayError): Promise<void> {
    for (const { assetId } of this.#collected) {
      await this.#context.gateway.assets.remove(assetId);
    }
    const refused = { state: 'failed', billable: 'yes', error: { code, message } } as const;
    await endJob(this.#context, this.#job, { ...emptyOutcome(this.#job, refused), facts });
  }

  async #cancelUpstream(): Promise<void> {
    const { ticket } = this.#job;
    const followed = this.#followed;
    const request =
      ticket === null ? undefined : followed?.protocol.cancel?.(ticket, followed.target);
    if (request === undefined) {
      this.#isCancelSent = true;
      return;
    }
    const answer = await this.#ask(() => request);
    // A refusal means that it is too late: what became of it is learned by asking.
    const isAnswered = answer?.type === 'reply' || (answer?.status ?? 500) < 500;
    if (isAnswered) this.#isCancelSent = true;
    else this.#failures += 1;
  }

  /** The time is over: stopped at the provider where that can be, and asked a last time. */
  async #expire(): Promise<void> {
    await this.#cancelUpstream();
    const last = await this.#poll();
    if (last !== null && last.type !== 'pending' && (await this.#take(last))) return;
    await endJob(
      this.#context,
      this.#job,
      emptyOutcome(this.#job, {
        state: 'expired',
        billable: 'unknown',
        error: {
          code: 'provider_timeout',
          message: 'The work had not ended when its time was over.',
        },
      }),
    );
  }
}

function resultText({ transcript, voiceId }: JobResult): string | null {
  if (transcript !== null) return JSON.stringify(shownTranscript(transcript));
  return voiceId === undefined ? null : JSON.stringify({ voice_id: voiceId });
}

/** A provider's failure in words for the caller. */
function failureError(
  provider: string,
  failure: ProviderFailure,
): NonNullable<JobOutcome['error']> {
  const { code, message } = finalError([
    {
      candidate: 0,
      provider,
      failure: { source: 'provider', failure },
      failureClass: 'refused',
    },
  ]);
  return { code, message };
}
