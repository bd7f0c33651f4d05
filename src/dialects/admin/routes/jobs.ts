/**
 * Jobs as the operator sees them, of every customer.
 *
 * @module
 */
import { z } from 'zod';
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { JobRecord } from '../../../metering/job-port.ts';
import { showJob } from '../../../gateway/jobs/show-job.ts';
import { jobSchema } from '../../jobs/shapes.ts';
import { JOB_STATES } from '../../../metering/job-port.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { findCustomer } from '../find.ts';
import { customerNameSchema, listSchema, pageOf, pageQuery } from '../shapes.ts';

const listedSchema = jobSchema
  .extend({
    customer: z.string().describe('`cus_…`'),
    hold_id: z.string(),
    provider_model: z.string().describe('As the provider knows it.'),
    provider_job_id: z.string().nullable().describe('Null until the provider has answered.'),
    sent_at: z.string().nullable().describe('When the last submission began.'),
  })
  .meta({ id: 'ListedJob' });

const params = z.strictObject({ id: z.string().min(1).max(200).describe('`job_…`') });

function shown(job: JobRecord, nowMs: number): z.infer<typeof listedSchema> {
  return {
    ...(showJob(job, { nowMs, addresses: new Map() }) as z.infer<typeof jobSchema>),
    customer: job.customerId,
    hold_id: job.holdId,
    provider_model: job.model,
    provider_job_id: job.ticket?.id ?? null,
    sent_at: job.sentAtMs === null ? null : new Date(job.sentAtMs).toISOString(),
  };
}

function unknownJob(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no job "${id}".`, param: 'id' });
}

/** Routes below `/jobs`. */
export const jobRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/jobs',
    operationId: 'listAllJobs',
    summary: 'List jobs of all customers, newest first',
    tag: 'jobs',
    query: z.strictObject({
      ...pageQuery,
      customer: customerNameSchema.optional(),
      status: z.enum(JOB_STATES).optional(),
      operation: z.string().max(100).optional().describe('An operation, or `video.*`.'),
    }),
    reply: listSchema(listedSchema),
    errors: ['not_found'],
    async handle({ query }, { store, now }) {
      const { customer: name, status, operation } = query;
      const found = name === undefined ? null : await findCustomer(store, name, 'customer');
      const page = await store.jobs.list({
        ...pageOf(query),
        customerId: found?.customer.id ?? null,
        state: status ?? null,
        operation: operation ?? null,
      });
      return { data: page.data.map((job) => shown(job, now())), next_cursor: page.nextCursor };
    },
  }),
  adminRoute({
    method: 'get',
    path: '/jobs/{id}',
    operationId: 'getAnyJob',
    summary: 'Read a job of any customer',
    tag: 'jobs',
    params,
    reply: listedSchema,
    errors: ['not_found'],
    async handle(input, { store, now }) {
      const job = await store.jobs.find(input.params.id);
      if (job === null) throw unknownJob(input.params.id);
      return shown(job, now());
    },
  }),
  adminRoute({
    method: 'post',
    path: '/jobs/{id}/cancel',
    operationId: 'cancelAnyJob',
    summary: 'Ask for a job of any customer to be cancelled, at its provider too',
    tag: 'jobs',
    params,
    reply: listedSchema,
    errors: ['not_found', 'conflict'],
    async handle(input, { store, cancelJob, now }) {
      const job = await store.jobs.find(input.params.id);
      if (job === null) throw unknownJob(input.params.id);
      return shown(await cancelJob(job), now());
    },
  }),
];
