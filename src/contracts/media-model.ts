/**
 * What a media model takes, as data: the check of a call, the matrix of `docs/providers.md` and `GET /v1/models` derive from it.
 *
 * @module
 */
import type { Operation } from './metering.ts';

/** What one option of a model may be. */
export type OptionRule =
  /** One of these, exactly. */
  | { readonly type: 'one_of'; readonly values: readonly (string | number)[] }
  /** From `min` to `max`, in steps of `step` from `min` on where one is named. What lies outside is clamped, and named. */
  | { readonly type: 'range'; readonly min: number; readonly max: number; readonly step?: number }
  /** Any text of so many characters at most. */
  | { readonly type: 'text'; readonly maxChars: number }
  | { readonly type: 'flag' }
  /** Pictures, sounds or clips sent along: at most so many, at most so large each. */
  | { readonly type: 'files'; readonly max: number; readonly maxBytes?: number };

/** One model of a provider, for one operation. */
export interface MediaModel {
  /** As the provider knows it. A trailing `*` stands for any rest, for families whose members take the same. */
  readonly id: string;
  readonly operation: Operation;
  /** By the option's name in the gateway's own bodies (`negative_prompt`, `seconds`, `image` …). What is absent is not taken. */
  readonly options: Readonly<Record<string, OptionRule>>;
  /** The vendor page or recorded traffic that says so. */
  readonly source: string;
}

/** The entry of a model for an operation; the exact name comes before a family. */
export function mediaModelOf(
  models: readonly MediaModel[],
  id: string,
  operation: Operation,
): MediaModel | null {
  const ofOperation = models.filter((model) => model.operation === operation);
  const exact = ofOperation.find((model) => model.id === id);
  if (exact !== undefined) return exact;
  const families = ofOperation.filter(
    (model) => model.id.endsWith('*') && id.startsWith(model.id.slice(0, -1)),
  );
  return families.toSorted((a, b) => b.id.length - a.id.length)[0] ?? null;
}
