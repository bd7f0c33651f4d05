/**
 * Calls of every operation but text generation: pictures, sound, embeddings. They are bounded and priced by what they
 * ask for ({@link OperationSpec}) and translated by the adapter that serves them.
 *
 * @module
 */
import type { OperationSpec } from '../catalog/operation-spec.ts';
import type { JobExchange } from '../contracts/job-provider.ts';
import type { MediaInput, ResultFacts } from '../contracts/media.ts';
import type { Operation } from '../contracts/metering.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import type { TranscriptionResult } from '../contracts/transcription-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../contracts/wire.ts';
import type { Work } from '../routing/index.ts';
import type { CallRun } from './call-run.ts';
import type { ReviewedContent } from './content-review.ts';
import type { Gateway } from './gateway.ts';
import type { KeepMedia } from './keep-media.ts';
import type { AnswerStream, Receipt } from './text-call.ts';

/** A whole answer, read and ready to be rendered once it is settled. */
export interface OperationAnswer {
  readonly facts: ResultFacts;
  readonly contentType: string;
  /** Of the answer's own, such as items that are missing: `x-gateway-warnings`. */
  readonly warnings: readonly string[];
  /** Keeps what must not get lost, or what the caller wants addresses of; null where there is nothing. Before {@link render}. */
  readonly store: ((keep: KeepMedia) => Promise<void>) | null;
  render(receipt: Receipt): Buffer;
  /** Pictures that a moderation judges before they are delivered; absent: none. */
  readonly images?: readonly MediaInput[];
  /** What came of it beside media, as jobs show it; absent: what {@link render} makes, where that is no media. */
  readonly result?: Readonly<Record<string, unknown>> | null;
}

/** Requests that make up one answer together. */
export interface OperationBatch {
  readonly requests: readonly WireRequest[];
  /** Reads the 2xx replies that came, at least one. @throws ProviderFailureError where none can be read */
  readAll(replies: readonly WireReply[]): OperationAnswer;
}

/** One prepared operation on one candidate. */
export interface PreparedOperation {
  readonly request: WireRequest;
  readonly warnings: readonly ProviderWarning[];
  /** In place of `request` and `read`, where the model makes less in one call than was asked for. */
  readonly batch?: OperationBatch;
  /** Reads a whole 2xx reply. @throws ProviderFailureError */
  read(reply: WireReply): OperationAnswer;
  /** Opens the reader of a streamed 2xx reply. */
  open(): AnswerStream;
}

/** What a job has made, read back from where it is stored. */
export interface FinishedJob {
  readonly media: readonly { readonly bytes: Buffer; readonly type: string }[];
  readonly transcript: TranscriptionResult | null;
  readonly voiceId: string | null;
  readonly facts: ResultFacts;
}

/** One prepared operation on a candidate that does it as work to be followed. */
export interface PreparedJob {
  readonly submission: JobExchange;
  /** In place of `submission`, where the model makes less in one than was asked for: at least two. */
  readonly parts?: readonly JobExchange[];
  /** The answer to a caller who waits for the end. */
  readonly answer: (finished: FinishedJob) => OperationAnswer;
}

/** How a candidate has an operation done. */
export type Prepared = PreparedOperation | PreparedJob;

/** Whether the candidate does it as work to be followed. */
export function isPreparedJob(prepared: Prepared): prepared is PreparedJob {
  return 'submission' in prepared;
}

/** Facts of one parsed request and the ways to have it done. */
export interface OperationCall {
  readonly kind: 'operation';
  readonly operation: Exclude<Operation, 'text.generate'>;
  readonly work: Work;
  /** Model name as the caller wrote it. */
  readonly model: string;
  /** Whether the answer's bytes go to the client as they come. */
  readonly stream: boolean;
  /** Media type of streamed bytes; null where the answer is whole. */
  readonly streamType: string | null;
  /** What limits and prices need. */
  readonly spec: OperationSpec;
  /** Operations are sold in one tier. */
  readonly serviceTier: null;
  readonly unknownParameters: readonly string[];
  /** Whether the caller does not wait for the end: the reply is a job. Absent: it waits. */
  readonly background?: boolean;
  /**
   * Does what must be done before any provider is asked; the hold is committed by then, and released where this fails.
   *
   * @throws GatewayError for the caller to see
   */
  begin?(gateway: Pick<Gateway, 'ids' | 'clock'>, run: CallRun): Promise<void>;
  /** What a moderation judges before the call is dispatched; absent: nothing. */
  readonly content?: ReviewedContent;
  /** @throws GatewayError `invalid_request` naming what the model cannot take */
  prepare(definition: ProviderDefinition, target: ProviderTarget): Prepared;
}
