/**
 * Every scenario whose writes are crash points.
 *
 * @module
 */
import { ALERT_SCENARIOS } from './alert-scenarios.ts';
import type { Scenario } from './crash-points.ts';
import { KEY_SCENARIOS } from './key-scenarios.ts';
import { LEDGER_OPERATIONS_SCENARIOS } from './ledger-operations-scenarios.ts';
import { LEDGER_SCENARIOS } from './ledger-scenarios.ts';
import { LIMIT_SCENARIOS } from './limit-scenarios.ts';
import { MIXED_SCENARIOS } from './mixed-scenarios.ts';
import { MONEY_SCENARIOS } from './money-scenarios.ts';
import { QUOTE_SCENARIOS } from './quote-scenarios.ts';
import { RECORD_SCENARIOS } from './record-scenarios.ts';
import { SUBSCRIPTION_SCENARIOS } from './subscription-scenarios.ts';
import { USAGE_SCENARIOS } from './usage-scenarios.ts';

export const ALL_SCENARIOS: readonly Scenario[] = [
  ...LEDGER_SCENARIOS,
  ...LEDGER_OPERATIONS_SCENARIOS,
  ...MONEY_SCENARIOS,
  ...QUOTE_SCENARIOS,
  ...KEY_SCENARIOS,
  ...LIMIT_SCENARIOS,
  ...SUBSCRIPTION_SCENARIOS,
  ...ALERT_SCENARIOS,
  ...USAGE_SCENARIOS,
  ...MIXED_SCENARIOS,
  ...RECORD_SCENARIOS,
];
