/**
 * Work of a provider that outlives one exchange: it is submitted, asked for until it ends, and its results are fetched.
 * What is needed to find it again is a ticket, which is stored before anything else happens, so that the work
 * survives a restart. Everything here is a pure translation, as the other contracts are.
 *
 * @module
 */
import type { MediaExchange, ResultFacts } from './media.ts';
import type { ProviderFailure } from './provider-failure.ts';
import type { ProviderWarning } from './text.ts';
import type { TranscriptionResult } from './transcription-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from './wire.ts';

/** What finds a provider's work again. Stored as JSON. */
export interface ProviderTicket {
  /** The provider's own id, as webhooks and lists name it. */
  readonly id: string;
  /**
   * Paths that the provider named, after its base URL: `poll`, `result`, `cancel` …, as the adapter needs them. An address at another
   * origin than the provider's own is never kept here: the credential would go there.
   */
  readonly paths: Readonly<Record<string, string>>;
}

/** One thing that came of the work. */
export interface MediaOutput {
  /** Null where the provider gives an address alone. */
  readonly bytes: Buffer | null;
  /** Absolute; fetched by the guarded downloader, never by the adapter. */
  readonly url: string | null;
  /** Whether the download wants the provider's credential; sent to the provider's own origin alone. */
  readonly needsCredential: boolean;
  /** As the provider says it; what a file is, its bytes tell. Null where it does not say. */
  readonly mediaType: string | null;
  /** Whether the provider marked it as not safe for work; null where it does not say. */
  readonly isFlagged: boolean | null;
}

/** What work that came to its end has made. */
export interface JobResult {
  readonly outputs: readonly MediaOutput[];
  /** Of transcriptions; null otherwise. */
  readonly transcript: TranscriptionResult | null;
  /** Of voices that were made. */
  readonly voiceId?: string;
  /** What was delivered; null: what the submission said would be ({@link JobExchange.facts}). */
  readonly facts: ResultFacts | null;
}

/** How the work stands. */
export type JobReading =
  | {
      readonly type: 'pending';
      readonly stage: 'queued' | 'running';
      /** From 0 to 1, as the provider says it; null where it does not. */
      readonly progress: number | null;
      /** The ticket to go on with where it has changed (a result that lies elsewhere than the status); null: the same. */
      readonly ticket: ProviderTicket | null;
      /** How long the provider asks us to wait, in milliseconds; null: the gateway's own backoff. */
      readonly waitMs: number | null;
    }
  | { readonly type: 'succeeded'; readonly result: JobResult }
  | {
      readonly type: 'failed';
      readonly failure: ProviderFailure;
      /** Whether the provider bills it all the same. */
      readonly isBilled: boolean;
    }
  | { readonly type: 'cancelled'; readonly isBilled: boolean }
  /** The provider no longer knows it, or gave it up: its end cannot be learned any more. */
  | { readonly type: 'expired' };

/** What the reply to a submission says: accepted, or at its end already. */
export type JobStart =
  | { readonly type: 'accepted'; readonly ticket: ProviderTicket; readonly reading: JobReading }
  | Extract<JobReading, { readonly type: 'succeeded' | 'failed' }>;

/** One submission: what to send, and how to read what comes back. */
export interface JobExchange {
  readonly request: WireRequest;
  /** Every option that was dropped, clamped or mapped. */
  readonly warnings: readonly ProviderWarning[];
  /** What is billed if it succeeds, as far as the options tell. */
  readonly facts: ResultFacts;
  /** Of a voice that is made: its id, where the submission names it and the result does not. */
  readonly voiceId?: string;
  /**
   * Reads a 2xx reply.
   *
   * @throws ProviderFailureError when the body is malformed: whether the work runs is then not known
   */
  readStart(reply: WireReply): JobStart;
}

/** An operation whose reply is the result, or whose reply is a promise of it. */
export type OperationExchange<Result extends ResultFacts> = MediaExchange<Result> | JobExchange;

/**
 * The exchange of an operation that the provider answers at once.
 *
 * @throws Error for one that submits work
 */
export function wholeExchange<Result extends ResultFacts>(
  exchange: OperationExchange<Result>,
): MediaExchange<Result> {
  if (isJobExchange(exchange)) throw new Error('this operation is answered by a job');
  return exchange;
}

/** Whether the exchange submits work that must be followed. */
export function isJobExchange(exchange: object): exchange is JobExchange {
  return 'readStart' in exchange;
}

/** What is known of a submission whose reply was lost. */
export interface LostSubmission {
  /** Model as the provider knows it. */
  readonly model: string;
  /** Between these instants it was sent, in milliseconds since the epoch. */
  readonly sentAfterMs: number;
  readonly sentBeforeMs: number;
  /** {@link JobLookUp.mark} of what was sent. */
  readonly mark: string;
}

/** How lost submissions are found again. */
export interface JobLookUp {
  /**
   * What tells a submission from all others in the provider's list. Where the wire has a place that comes back in the list, the
   * job's own id is put there; else the mark is a digest of members that are listed. It is stored in place of the request, which
   * may hold a prompt.
   *
   * @param jobId unique for every submission
   */
  mark(
    request: WireRequest,
    jobId: string,
  ): { readonly request: WireRequest; readonly mark: string };
  request(lost: LostSubmission, target: ProviderTarget): WireRequest;
  /**
   * The request for the page after the `page`th, counted from 1, of which `reply` is the 2xx reply; null after the last. Absent: the
   * list has one page.
   *
   * @throws ProviderFailureError when the body is malformed
   */
  next?(
    lost: LostSubmission,
    page: { readonly reply: WireReply; readonly number: number },
    target: ProviderTarget,
  ): WireRequest | null;
  /**
   * Work of one page of the list that can only be this submission.
   *
   * @returns `none` when the page surely has none, `unclear` when several could be it
   * @throws ProviderFailureError when the body is malformed
   */
  read(lost: LostSubmission, reply: WireReply): ProviderTicket | 'none' | 'unclear';
}

/** A message that the provider sends when work has moved on. */
export interface JobWebhook {
  /** The submission with the address that the provider is to call. Called only where the operator has set a secret. */
  subscribe(request: WireRequest, url: string): WireRequest;
  /** Name of the operator's setting that holds the secret. */
  readonly secretSetting: string;
  /**
   * @returns the work's id and how it stands; null where signature or age is wrong
   * @throws ProviderFailureError when the body is malformed
   */
  read(message: {
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer;
    readonly secret: string;
    readonly nowMs: number;
  }): { readonly id: string; readonly reading: JobReading } | null;
}

/** How a provider's work is followed; one for all of its operations. */
export interface JobProtocol {
  /** Least and usual time between two questions, in milliseconds. */
  readonly pollEveryMs: { readonly min: number; readonly usual: number };
  poll(ticket: ProviderTicket, target: ProviderTarget): WireRequest;
  /**
   * Reads a 2xx reply to a poll. States never seen before are pending.
   *
   * @throws ProviderFailureError when the body is malformed: asked again
   */
  readPoll(ticket: ProviderTicket, reply: WireReply): JobReading;
  /**
   * Reads a reply to a poll that is not 2xx, where such a reply may be the work's own end. Null: it says nothing of the work, and is
   * asked again. Absent: none does.
   */
  readPollError?(ticket: ProviderTicket, reply: WireReply): JobReading | null;
  /**
   * The download of an output that wants the credential ({@link MediaOutput.needsCredential}); `url` is at the origin of the base
   * URL. A redirect that it is answered with is followed without the credential. Absent: no output wants one.
   */
  fetch?(url: string, target: ProviderTarget): WireRequest;
  /** Absent: the provider cannot cancel. */
  cancel?(ticket: ProviderTicket, target: ProviderTarget): WireRequest;
  readonly lookUp?: JobLookUp;
  readonly webhook?: JobWebhook;
}
