/**
 * Settings of jobs.
 *
 * @module
 */
import { z } from 'zod';
import { durationMs, integer } from './setting-types.ts';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

/** `jobs` of the configuration. */
export const jobsSchema = z
  .strictObject({
    timeoutMs: durationMs({ min: SECOND, max: 48 * HOUR })
      .prefault('1h')
      .describe(
        'Time in which work that its caller does not wait for must have ended. What has not is cancelled at its provider where that can be, and is `expired`.',
      ),
    submitTimeoutMs: durationMs({ min: 100, max: HOUR })
      .prefault('60s')
      .describe(
        'Time in which a provider must have answered a submission. One without an answer is looked for, never sent again.',
      ),
    fetchTimeoutMs: durationMs({ min: 100, max: HOUR })
      .prefault('15m')
      .describe('Time in which one file of a result must have been fetched whole.'),
    maxPolls: integer({ min: 1, max: 10_000 })
      .prefault(64)
      .describe('Questions to providers at once; further ones wait.'),
    maxDownloads: integer({ min: 1, max: 1000 })
      .prefault(8)
      .describe('Jobs whose results are fetched at once; further ones wait.'),
  })
  .prefault({})
  .describe(
    'Work of providers that outlives one exchange: clips, and whatever is asked for in the background.',
  );
