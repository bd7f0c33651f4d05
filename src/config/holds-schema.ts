/**
 * Settings of open holds: how many ends may wait to be booked, when a hold counts as lost.
 *
 * @module
 */
import { z } from 'zod';
import { durationMs, integer } from './setting-types.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const holdsSchema = z
  .strictObject({
    unbookedMax: integer({ min: 1, max: 100_000 })
      .prefault(1000)
      .describe(
        'Ends of calls that may wait in memory while the store does not take them. With as many no further call is admitted.',
      ),
    shutdownGraceMs: durationMs({ min: 0, max: HOUR })
      .prefault('5s')
      .describe(
        'How long a shutdown tries to book them. What is left then goes into the emergency file, which the next start books.',
      ),
    checkEveryMs: durationMs({ min: 100, max: HOUR })
      .prefault('30s')
      .describe('How often open holds are compared with the calls that are really in progress.'),
    leakGraceMs: durationMs({ min: 0, max: DAY })
      .prefault('2m')
      .describe(
        'Age from which a hold that no call works on counts as lost: it becomes unknown, and the operator is told.',
      ),
    lookUpForMs: durationMs({ min: 0, max: 6 * DAY })
      .prefault('24h')
      .describe(
        'How long providers that can tell are asked what became of a call whose outcome is unknown, also after the policy has ended it: then the difference is booked. 0: never.',
      ),
    notFoundAfterMs: durationMs({ min: 0, max: DAY })
      .prefault('2m')
      .describe(
        'Age of a call from which a provider that has no record of it proves that it was not billed.',
      ),
  })
  .prefault({})
  .describe('Open holds.');
