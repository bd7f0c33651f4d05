/**
 * Price rules as the store keeps them to those that the gateway prices by.
 *
 * @module
 */
import { priceRuleSchema, type PriceRule } from '../catalog/price-rules.ts';
import { PriceRules } from '../gateway/charged-price.ts';
import type { PriceArchive, PriceRuleRecord } from '../metering/price-port.ts';

/** The rules in force, oldest first. */
export function rulesInForce(records: readonly PriceRuleRecord[]): readonly PriceRule[] {
  return records
    .filter((record) => record.retiredAtMs === null)
    .map(({ id, customerId, body }) => ({
      id,
      customerId,
      rule: priceRuleSchema.parse(JSON.parse(body)),
    }));
}

/** The gateway's rules as they stand at its start. */
export async function openPriceRules(archive: PriceArchive): Promise<PriceRules> {
  const rules = new PriceRules();
  rules.replace(rulesInForce(await archive.rules()));
  return rules;
}
