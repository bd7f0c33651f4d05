/**
 * Everything that can go wrong on the wire, as values. A call may meet several faults at once; they compose
 * as long as they concern different things.
 *
 * @module
 */

/** Errors by meaning; each family says them with its own status, body and headers. */
export const FAULT_ERRORS = [
  'invalid_request',
  'context_length',
  'content_policy',
  'prefill_refused',
  'auth',
  'credit',
  'forbidden',
  'not_found',
  'model_not_supported',
  'timeout',
  'unprocessable',
  'rate_limit',
  'insufficient_quota',
  'quota_per_day',
  'server_error',
  'bad_gateway',
  'unavailable',
  'gateway_timeout',
  'overloaded',
] as const;
export type FaultError = (typeof FAULT_ERRORS)[number];

/**
 * How an error says when to come back, in the forms of RFC 9110 §10.2.3, of OpenAI's headers and of
 * `google.rpc.RetryInfo`. A family without a form uses its own nearest one.
 */
export type RetryWait =
  | { readonly form: 'none' }
  | { readonly form: 'seconds'; readonly seconds: number }
  | { readonly form: 'milliseconds'; readonly ms: number }
  | { readonly form: 'date'; readonly seconds: number }
  /** `x-ratelimit-reset-requests`, a Go duration such as `6m0s`. */
  | { readonly form: 'reset'; readonly duration: string }
  /** `retryDelay`, such as `34.4s`. */
  | { readonly form: 'retry_info'; readonly delay: string }
  /** The text as it is in whatever field the family has: negative, absurd or garbage. */
  | { readonly form: 'raw'; readonly text: string };

export type Fault =
  | {
      readonly type: 'error';
      readonly error: FaultError;
      readonly status?: number;
      readonly wait?: RetryWait;
    }
  /** `location`: default another host under `.invalid`. */
  | { readonly type: 'redirect'; readonly status: number; readonly location?: string }
  /** TCP reset. `reused`: only when the connection has served a call before, and before anything is sent. */
  | {
      readonly type: 'reset';
      readonly at: 'before-headers' | 'in-headers' | 'in-body' | 'reused';
    }
  /**
   * The stream ends after n content events; `close` leaves out the last chunk of HTTP's
   * framing, `half-*` sends the first half of the next event first.
   */
  | {
      readonly type: 'break';
      readonly how: 'reset' | 'close' | 'eof' | 'half-event' | 'half-character';
      readonly afterEvents: number;
    }
  /** Silence before the headers, before the first event or byte of the body, or after n content events. `ms` null: for ever. */
  | {
      readonly type: 'stall';
      readonly at: 'headers' | 'first-event' | 'events';
      readonly afterEvents: number;
      readonly ms: number | null;
      readonly next: 'continue' | 'eof' | 'reset';
    }
  /** The payload leaves in pieces of `bytes`, one every `ms` (0: one per turn of the event loop). */
  | { readonly type: 'drip'; readonly bytes: number; readonly ms: number }
  /** Chunks end inside every character of several bytes; such characters are added to the answer. */
  | { readonly type: 'split-characters' }
  /** Not JSON: the whole body, or the nth content event (from 1). */
  | { readonly type: 'bad-json'; readonly event: number }
  | {
      readonly type: 'content-length';
      readonly wrong: 'too-long' | 'too-short' | 'beside-chunked';
    }
  | {
      readonly type: 'encoding';
      readonly encoding: 'gzip' | 'br' | 'zstd';
      readonly how: 'true' | 'lie' | 'truncated' | 'bomb';
      /** Decompressed size of a bomb. */
      readonly megabytes: number;
    }
  /** One content event, or the body, grows to so many megabytes. */
  | { readonly type: 'huge'; readonly megabytes: number }
  /** HTTP 200 with an error inside; -1: in place of the body or of the first event; `bare`: not framed as an event. */
  | {
      readonly type: 'in-band-error';
      readonly afterEvents: number;
      readonly error: FaultError;
      readonly bare: boolean;
    }
  | {
      readonly type: 'usage';
      readonly how: 'none' | 'twice' | 'growing' | 'cached-exceeds' | 'negative' | 'mismatch';
    }
  | { readonly type: 'no-done' }
  | { readonly type: 'events'; readonly how: 'duplicate' | 'unknown' | 'reordered' }
  | { readonly type: 'framing'; readonly how: FramingFault }
  | { readonly type: 'served-model'; readonly model: string }
  | { readonly type: 'served-tier'; readonly tier: string }
  | { readonly type: 'empty'; readonly what: 'body' | 'choices' | 'content' }
  /** The prompt is refused, or the answer stopped, by the provider's content filter, inside HTTP 200. */
  | { readonly type: 'filtered'; readonly what: 'prompt' | 'answer' }
  | { readonly type: 'headers'; readonly headers: Readonly<Record<string, string>> }
  /** Interim responses 102 and 103 before the final one. */
  | { readonly type: 'interim' }
  /** A lone surrogate as a JSON escape at the start of the answer. */
  | { readonly type: 'lone-surrogate' };

export const FRAMING_FAULTS = [
  'lf',
  'cr',
  'crlf',
  'mixed',
  'bom',
  'comments',
  'multi-line',
  'no-space',
  'fields',
  'all',
] as const;
export type FramingFault = (typeof FRAMING_FAULTS)[number];

export type FaultType = Fault['type'];

/** The first fault of a type. */
export function findFault<Type extends FaultType>(
  faults: readonly Fault[],
  type: Type,
): Extract<Fault, { readonly type: Type }> | undefined {
  return faults.find(
    (fault): fault is Extract<Fault, { readonly type: Type }> => fault.type === type,
  );
}

/** True when characters are to be cut in two, so that the answer must hold some of several bytes. */
export function cutsCharacters(faults: readonly Fault[]): boolean {
  return faults.some(
    (fault) =>
      fault.type === 'split-characters' ||
      (fault.type === 'break' && fault.how === 'half-character'),
  );
}
