/**
 * Options that do not reach Gemini as they were given, each named once.
 *
 * @module
 */
import type { ProviderWarning } from '../../contracts/text.ts';

export class WarningList {
  readonly #warnings: ProviderWarning[] = [];

  /** Warnings in the order in which they came up. */
  get all(): readonly ProviderWarning[] {
    return this.#warnings;
  }

  dropped(option: string, detail: string): void {
    this.#add({ option, action: 'dropped', detail });
  }

  clamped(option: string, detail: string): void {
    this.#add({ option, action: 'clamped', detail });
  }

  mapped(option: string, detail: string): void {
    this.#add({ option, action: 'mapped', detail });
  }

  #add(warning: ProviderWarning): void {
    const known = this.#warnings.some(
      ({ option, detail }) => option === warning.option && detail === warning.detail,
    );
    if (!known) this.#warnings.push(warning);
  }
}
