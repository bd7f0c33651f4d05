/**
 * How many tokens bytes amount to, learned per model from calls whose provider told. Used only where a provider
 * sends no usage; such counts are marked as estimated, and never bound a hold.
 *
 * @module
 */

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
}
