/**
 * Collects what did not reach the wire as it was given.
 *
 * @module
 */
import type { ProviderWarning } from '../../contracts/text.ts';

/** Warnings of one request; the same option is told once. */
export class WarningList {
  readonly #byOption = new Map<string, ProviderWarning>();

  get list(): readonly ProviderWarning[] {
    return [...this.#byOption.values()];
  }

  dropped(option: string, detail: string): void {
    this.#add({ option, action: 'dropped', detail });
  }

  mapped(option: string, detail: string): void {
    this.#add({ option, action: 'mapped', detail });
  }

  #add(warning: ProviderWarning): void {
    if (!this.#byOption.has(warning.option)) this.#byOption.set(warning.option, warning);
  }
}
