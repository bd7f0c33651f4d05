/**
 * What the pipeline works with: built once by the server, passed to every step. No globals.
 *
 * @module
 */
import type { IdSource } from '../contracts/ids.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import { SlotTable } from '../collections/slot-table.ts';
import type { ModelCatalog } from '../catalog/model-catalog.ts';
import type { Assets } from '../media/assets.ts';
import type { MediaInputs } from '../media/media-inputs.ts';
import type { TimerWheel } from '../http/timer-wheel.ts';
import type { Upstream } from '../http/upstream.ts';
import type { MeteringStore } from '../metering/ports.ts';
import type { ContentReview } from './content-review.ts';
import type { JobRunner } from './jobs/job-runner.ts';
import type { DirectoryCache } from './directory-cache.ts';
import type { Bookings } from './holds/bookings.ts';
import type { InFlight } from './holds/in-flight.ts';
import type { QuoteTokens } from './quotes/quote-token.ts';
import type { PriceRules } from './charged-price.ts';
import type { Recorder } from './recorder.ts';
import type { ReplySeal } from './reply-seal.ts';
import type { RoutingState } from './routing-state.ts';
import type { TokenEstimator } from './token-estimator.ts';

/** A provider that is ready to be called. */
export interface ConfiguredProvider {
  readonly definition: ProviderDefinition;
  readonly baseUrl: string;
  readonly credential: string | null;
  readonly settings: Readonly<Record<string, string>>;
  /** Answers come from the built-in simulators and are labelled so. */
  readonly simulated: boolean;
}

export interface Clock {
  /** Wall clock in milliseconds since the epoch. */
  nowMs(): number;
  /** Clock for durations in milliseconds; never jumps. */
  monotonicMs(): number;
}

/** Limits and timers of the data plane; defaults and meanings stand in the configuration schema. */
export interface DataPlaneSettings {
  readonly maxBodyBytes: number;
  /** The same for bodies with pictures, and with recordings. */
  readonly maxImageBodyBytes: number;
  readonly maxAudioBodyBytes: number;
  readonly maxReplyBytes: number;
  /** Written into pictures that say nothing of their origin; null: nothing is. */
  readonly generatedBy: string | null;
  readonly maxJsonDepth: number;
  readonly unknownParameters: 'forward' | 'refuse';
  /** Plan for customers that are named for the first time; null refuses them. */
  readonly autoCreatePlanId: string | null;
  readonly commit: 'first_event' | 'complete';
  readonly keepaliveMs: number;
  readonly headersAfterMs: number;
  /** First content of a stream when another candidate exists, and when none does. */
  readonly firstEventMs: number;
  readonly firstEventAloneMs: number;
  /** Whole reply when another candidate exists; without one the total governs. */
  readonly wholeReplyMs: number;
  readonly streamIdleMs: number;
  readonly totalTextMs: number;
  readonly totalStreamMs: number;
  readonly clientStallMs: number;
  /** Caps of reading on after the client has left, where the provider bills on. */
  readonly drainMs: number;
  readonly drainBytes: number;
  readonly drainsMax: number;
  readonly jobs: JobSettings;
}

/** Limits and timers of jobs. */
export interface JobSettings {
  /** From the call to the end of a job that its caller does not wait for. */
  readonly timeoutMs: number;
  /** Of the reply to a submission. */
  readonly submitTimeoutMs: number;
  /** Of one file of a result. */
  readonly fetchTimeoutMs: number;
  /** Questions to providers, and downloads, at once. */
  readonly maxPolls: number;
  readonly maxDownloads: number;
  /** Under which providers reach the gateway; null: they are not told. */
  readonly callbackUrl: string | null;
  /** How long jobs that have ended are kept at most; null: as long as what they made. */
  readonly keepMs: number | null;
}

export interface Gateway {
  readonly settings: DataPlaneSettings;
  readonly store: MeteringStore;
  /** Encrypts replies that are kept under an idempotency key. */
  readonly replySeal: ReplySeal;
  readonly directory: DirectoryCache;
  readonly catalog: ModelCatalog;
  readonly priceRules: PriceRules;
  readonly providers: ReadonlyMap<string, ConfiguredProvider>;
  readonly upstream: Upstream;
  readonly wheel: TimerWheel;
  readonly clock: Clock;
  readonly ids: IdSource;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly routing: RoutingState;
  readonly recorder: Recorder;
  readonly estimator: TokenEstimator;
  readonly quoteTokens: QuoteTokens;
  readonly assets: Assets;
  readonly inputs: MediaInputs;
  /** Judges calls for media and what comes of them; null: nobody does. */
  readonly review: ContentReview | null;
  readonly jobs: JobRunner;
  readonly lifecycle: Lifecycle;
  /** Holds that somebody works on. */
  readonly inFlight: InFlight;
  /** By which calls end in the ledger. */
  readonly bookings: Bookings;
}

/** Whether new work is taken, and what is in progress. */
export class Lifecycle {
  draining = false;
  inFlight = 0;
  /** Streams being read on for their usage although the client has left. */
  drains = 0;
  /** Cuts off what still runs when the drain limit is reached. */
  readonly interrupts = new SlotTable<() => void>();
}
