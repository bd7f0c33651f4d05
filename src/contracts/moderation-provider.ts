/**
 * The contract of moderation: whether texts and pictures are fit to be worked on.
 *
 * @module
 */
import type { MediaExchange, MediaInput, ResultFacts } from './media.ts';
import type { ProviderTarget } from './wire.ts';

/** One thing to judge. Pictures that the caller only names are passed on as addresses. */
export type ModerationInput =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly image: MediaInput }
  | { readonly type: 'image_url'; readonly url: string };

/** What is judged, and how its verdicts are to come. */
export interface ModerationOptions {
  readonly inputs: readonly [ModerationInput, ...ModerationInput[]];
  /** True: the inputs are parts of one thing, and there is one verdict; false: they are texts with a verdict each. */
  readonly together: boolean;
  /** Further options of the provider's own, sent as they are. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** A verdict; categories by the provider's names. */
export interface ModerationVerdict {
  readonly flagged: boolean;
  readonly categories: Readonly<Record<string, boolean>>;
  /** From 0 to 1; empty where the provider gives none. */
  readonly scores: Readonly<Record<string, number>>;
  /** The kinds of input that each category was found in; null where the provider does not say. */
  readonly appliedTo: Readonly<Record<string, readonly string[]>> | null;
}

/** Verdicts in the order of the inputs. */
export interface ModerationResult extends ResultFacts {
  readonly id: string | null;
  readonly verdicts: readonly ModerationVerdict[];
}

/** A provider that judges content. */
export interface ModerationProvider {
  /** @throws GatewayError `invalid_request` naming an option that the model cannot take */
  moderate(options: ModerationOptions, target: ProviderTarget): MediaExchange<ModerationResult>;
}
