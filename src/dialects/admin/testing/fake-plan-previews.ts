/**
 * Previews of plans where nobody used anything.
 *
 * @module
 */
import type { PlanPreviews } from '../../../metering/plan-preview-port.ts';

export function fakePlanPreviews(now: () => number): PlanPreviews {
  return { preview: async () => ({ judged: 0, data: [], nextCursor: null, asOfMs: now() }) };
}
