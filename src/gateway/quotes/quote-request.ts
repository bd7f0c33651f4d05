/**
 * A quote as it is asked for, already checked.
 *
 * @module
 */
import type { Operation } from '../../contracts/metering.ts';
import type { QuoteMode } from '../../metering/quote-port.ts';

/** One operation; members as its type needs them. */
export interface QuoteRequestOperation {
  /** Unique in the quote. */
  readonly id: string;
  readonly type: Operation;
  /** `provider/model`, alias or bare name, as the caller wrote it. */
  readonly model: string;
  readonly input: {
    readonly tokens?: number | undefined;
    readonly chars?: number | undefined;
    readonly seconds?: number | undefined;
  };
  readonly output: { readonly maxTokens?: number | undefined };
  readonly image: {
    readonly n?: number | undefined;
    readonly size?: string | undefined;
    readonly quality?: string | undefined;
  } | null;
  readonly video: {
    readonly seconds?: number | undefined;
    readonly size?: string | undefined;
    readonly resolution?: string | undefined;
    readonly audio?: boolean | undefined;
  } | null;
  /** As the calls will name it; null: none. */
  readonly serviceTier: string | null;
  readonly count: number;
}

export interface QuoteRequest {
  readonly operations: readonly QuoteRequestOperation[];
  readonly mode: QuoteMode;
  /** Null: the default. */
  readonly ttlMs: number | null;
}
