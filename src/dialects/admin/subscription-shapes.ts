/**
 * A subscription as replies show it.
 *
 * @module
 */
import { z } from 'zod';
import { SUBSCRIPTION_STATUSES } from '../../contracts/metering.ts';
import type { SubscriptionRecord } from '../../metering/ports.ts';
import { REVOCABLE_CHANGES, type ScheduledChange } from '../../metering/subscription-port.ts';
import { formatTime, formatTimeOrNull, timeSchema } from './shapes.ts';

/** How long a subscription is paid for at a time. */
export const cadenceSchema = z.enum(['month', 'year']);

const scheduledSchema = z
  .strictObject({
    change: z
      .enum([...REVOCABLE_CHANGES, 'expire'])
      .describe(
        '`plan`: another plan; `cancel`: the subscription ends; `activate`: the trial becomes a paid subscription; `expire`: the trial ends without one.',
      ),
    plan: z.strictObject({ id: z.string(), version: z.int() }).nullable(),
    effective_at: timeSchema,
  })
  .meta({ id: 'ScheduledChange' });

export const subscriptionSchema = z
  .strictObject({
    id: z.string(),
    status: z.enum(SUBSCRIPTION_STATUSES),
    plan: z.strictObject({ id: z.string(), version: z.int() }),
    cadence: cadenceSchema,
    timezone: z.string(),
    anchor: z.string().describe('Wall-clock time in `timezone` from which periods are counted.'),
    trial_end: timeSchema.nullable(),
    grace_until: timeSchema.nullable(),
    cancel_at: timeSchema.nullable(),
    period: z.strictObject({ id: z.string(), start: timeSchema, end: timeSchema }),
    term_end: timeSchema.describe(
      'End of what is paid for, which `period_end` means in changes: the period, the year of a yearly subscription, or the trial.',
    ),
    scheduled: z
      .array(scheduledSchema)
      .describe('What will happen by itself, soonest first; all but `expire` can be called off.'),
    rev: z.int().describe('Grows with every change.'),
  })
  .meta({ id: 'Subscription' });

function showScheduled(change: ScheduledChange): z.input<typeof scheduledSchema> {
  return {
    change: change.change,
    plan: change.change === 'plan' ? { id: change.planId, version: change.planVersion } : null,
    effective_at: formatTime(change.atMs),
  };
}

export function showSubscription(record: SubscriptionRecord): z.input<typeof subscriptionSchema> {
  return {
    id: record.id,
    status: record.status,
    plan: { id: record.planId, version: record.planVersion },
    cadence: record.cadence,
    timezone: record.timezone,
    anchor: record.anchorLocal,
    trial_end: formatTimeOrNull(record.trialEndMs),
    grace_until: formatTimeOrNull(record.graceUntilMs),
    cancel_at: formatTimeOrNull(record.cancelAtMs),
    period: {
      id: record.period.id,
      start: formatTime(record.period.startMs),
      end: formatTime(record.period.endMs),
    },
    term_end: formatTime(record.termEndMs),
    scheduled: record.scheduled.map(showScheduled),
    rev: record.rev,
  };
}
