/**
 * The door for limits that stand beside plans: those of single keys, and what single customers have otherwise than
 * their plan says.
 *
 * @module
 */
import type { LimitInput } from '../contracts/metering.ts';
import type { KeyRecord } from './ports.ts';

/** A limit as one customer has it: in place of the plan's with the same id, or beside the plan's. */
export interface LimitOverride extends Omit<LimitInput, 'id' | 'meter' | 'window'> {
  /** Needed only for a limit that the plan lacks and whose id is not `<meter>/<window>`. */
  readonly meter?: LimitInput['meter'] | undefined;
  readonly window?: LimitInput['window'] | undefined;
  /** From then on the plan's limit is back; null: until it is taken away. */
  readonly untilMs: number | null;
}

/** Overrides of one customer by limit id. */
export interface OverrideSet {
  /** Grows with every change; 0 where there never was one. */
  readonly rev: number;
  readonly overrides: Readonly<Record<string, LimitOverride>>;
}

export interface LimitBook {
  /**
   * Gives a key these limits in place of those it had: what a limit gained is granted at once, what it lost expires as
   * far as it is free. Counters stay.
   *
   * @throws GatewayError `not_found`; `invalid_request` naming the limit's path
   */
  setKeyLimits(keyId: string, limits: readonly LimitInput[]): Promise<KeyRecord>;
  /** @throws GatewayError `not_found` */
  overrides(customerId: string): Promise<OverrideSet>;
  /**
   * Sets, replaces (by id) or takes away (null) overrides, at once.
   *
   * @throws GatewayError `not_found`; `invalid_request` naming the override
   */
  patchOverrides(
    customerId: string,
    patch: Readonly<Record<string, LimitOverride | null>>,
  ): Promise<OverrideSet>;
}
