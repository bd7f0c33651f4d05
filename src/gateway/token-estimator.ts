/**
 * How many tokens bytes amount to, learned per model from calls whose provider told. Used only where a provider
 * sends no usage; such counts are marked as estimated, and never bound a hold.
 *
 * @module
 */

import type { TextCall } from './text-call.ts';

type RequestBytes = Pick<TextCall, 'bytes' | 'media'>;

const DEFAULT_BYTES_PER_TOKEN = 4;
const WEIGHT = 0.05;
const MODELS_MAX = 2_000;

export class TokenEstimator {
  readonly #bytesPerToken = new Map<string, number>();

  /** Learns from one settled call. */
  observe(model: string, bytes: number, tokens: number): void {
    if (tokens < 1 || bytes < tokens) return;
    const known = this.#bytesPerToken.get(model);
    if (known === undefined && this.#bytesPerToken.size >= MODELS_MAX) return;
    const ratio = bytes / tokens;
    this.#bytesPerToken.set(model, known === undefined ? ratio : known + WEIGHT * (ratio - known));
  }

  estimate(model: string, bytes: number): number {
    return Math.ceil(bytes / (this.#bytesPerToken.get(model) ?? DEFAULT_BYTES_PER_TOKEN));
  }

  /** Learns from the input of one settled call; media have tokens without letters, so nothing from theirs. */
  observeInput(model: string, { bytes, media }: RequestBytes, tokens: number): void {
    if (media.expectedTokens === 0) this.observe(model, bytes.length, tokens);
  }

  /** Input tokens of a request: those of its letters, and what its media count as a rule. */
  estimateInput(model: string, { bytes, media }: RequestBytes): number {
    return this.estimate(model, bytes.length - media.bytes) + media.expectedTokens;
  }
}
