/**
 * Questions about jobs, and jobs as they are shown.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../../contracts/error-codes.ts';
import { TRANSCRIPT_FORMATS } from '../openai/audio/transcript-reply.ts';
import { JOB_STATES } from '../../metering/job-port.ts';

const PAGE_MAX = 100;

const pageSize = z.coerce.number().int().min(1).max(PAGE_MAX).optional();

export const jobsQuery = z.strictObject({
  status: z.enum(JOB_STATES).optional(),
  operation: z
    .string()
    .max(100)
    .optional()
    .describe('An operation, or all of a modality: `video.*`.'),
  limit: pageSize,
  cursor: z.string().max(64).optional(),
});

export const videosQuery = z.strictObject({
  limit: pageSize,
  after: z.string().max(64).optional().describe('Id of the last clip of the page before.'),
  order: z.enum(['asc', 'desc']).optional().describe('`desc`: newest first, the only order.'),
});

export const transcriptQuery = z.strictObject({
  response_format: z.enum(TRANSCRIPT_FORMATS).optional().describe('`json` by default.'),
});

/** A job as it is shown. */
export const jobSchema = z.object({
  id: z.string(),
  object: z.literal('job'),
  operation: z.string(),
  model: z.string().describe('As it was asked for.'),
  provider: z.string(),
  status: z.enum(JOB_STATES),
  version: z.number().int().describe('Grows with every change.'),
  progress: z.number().int().describe('Percent.'),
  progress_estimated: z.boolean().describe('True where the provider tells none.'),
  created_at: z.string(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  deadline_at: z.string().nullable(),
  expires_at: z
    .string()
    .nullable()
    .describe('When it is removed, with what it made. Null: never, and until it has ended.'),
  cancel_requested_at: z.string().nullable(),
  request_id: z.string(),
  simulated: z.boolean(),
  outputs: z.array(
    z.object({
      asset_id: z.string(),
      url: z.string().nullable().describe('Signed; null once the asset is gone.'),
      content_type: z.string(),
      bytes: z.number().int(),
    }),
  ),
  result: z.unknown().describe('What came of it beside media, such as a transcript.'),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
  usage: z.record(z.string(), z.number()),
  cost: z.string().nullable().describe('Null until it is known.'),
  warnings: z.array(z.string()),
  tags: z.record(z.string(), z.string()).nullable(),
});

/** What asking for a cancellation can be answered with. */
export const cancelErrors: readonly ErrorCode[] = [
  'invalid_request',
  'not_found',
  'conflict',
  'payload_too_large',
  'request_timeout',
  'idempotency_mismatch',
  'idempotency_in_flight',
  'idempotency_completed',
  'metering_unavailable',
];
