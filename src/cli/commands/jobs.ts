/**
 * `alwrity-gateway jobs …`.
 *
 * @module
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { z } from 'zod';
import { CliError } from '../cli-error.ts';
import { parseReply } from '../client.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  openSession,
  showList,
  showOne,
  type CommandScope,
  type CommonFlags,
} from '../command-kit.ts';
import { formatCount, formatInstant, formatMoney } from '../format.ts';
import type { Colors } from '../output.ts';
import { renderPairs } from '../table.ts';

const jobReply = z.looseObject({
  id: z.string(),
  customer: z.string(),
  operation: z.string(),
  model: z.string(),
  provider: z.string(),
  provider_model: z.string(),
  provider_job_id: z.string().nullable(),
  status: z.string(),
  progress: z.number(),
  created_at: z.string(),
  sent_at: z.string().nullable(),
  started_at: z.string().nullable(),
  finished_at: z.string().nullable(),
  deadline_at: z.string().nullable(),
  cancel_requested_at: z.string().nullable(),
  request_id: z.string(),
  hold_id: z.string(),
  outputs: z.array(z.looseObject({ asset_id: z.string(), bytes: z.number() })),
  error: z.looseObject({ code: z.string(), message: z.string() }).nullable(),
  cost: z.string().nullable(),
});

type JobRow = z.infer<typeof jobReply>;

function costText({ cost }: JobRow): string {
  return cost === null ? '' : formatMoney(cost);
}

function statusText(job: JobRow): string {
  return job.status === 'running' ? `running ${job.progress} %` : job.status;
}

function detailText(job: JobRow, colors: Colors): string {
  const error = job.error === null ? null : `${job.error.code}: ${job.error.message}`;
  const pairs: readonly (readonly [string, string | null])[] = [
    ['job', job.id],
    ['status', statusText(job)],
    ['customer', job.customer],
    ['operation', job.operation],
    ['model', job.model],
    ['provider', `${job.provider}/${job.provider_model}`],
    ['provider’s id', job.provider_job_id ?? 'not known'],
    ['created', `${formatInstant(job.created_at)} UTC`],
    ['sent', formatInstant(job.sent_at)],
    ['started', formatInstant(job.started_at)],
    ['finished', formatInstant(job.finished_at)],
    ['deadline', formatInstant(job.deadline_at)],
    ['cancel asked for', formatInstant(job.cancel_requested_at)],
    ['cost', costText(job)],
    [
      'made',
      job.outputs.map((one) => `${one.asset_id} (${formatCount(one.bytes)} bytes)`).join(', '),
    ],
    ['error', error],
    ['request', job.request_id],
    ['hold', job.hold_id],
  ];
  return renderPairs(pairs, colors);
}

interface ListFlags extends CommonFlags {
  readonly limit: number;
  readonly customer?: string;
  readonly status?: string;
  readonly operation?: string;
}

function registerList(jobs: Command, scope: CommandScope): void {
  const list = addLimitOption(jobs.command('list'))
    .description('list jobs, newest first')
    .option('--customer <id>', 'of one customer')
    .option('--status <status>', 'queued, running, succeeded, failed, cancelled, expired, unknown')
    .option('--operation <operation>', 'such as video.*')
    .action(async (flags: ListFlags) => {
      const { limit, customer, status, operation } = flags;
      const request = { path: '/jobs', query: { customer, status, operation }, limit };
      await showList(openSession(scope, flags), request, {
        schema: jobReply,
        empty: 'No jobs.',
        columns: [
          { title: 'created (UTC)', value: (row) => formatInstant(row.created_at) },
          { title: 'status', value: statusText },
          { title: 'operation', value: (row) => row.operation },
          { title: 'model', value: (row) => row.model },
          { title: 'cost', align: 'right', value: costText },
          { title: 'customer', value: (row) => row.customer },
          { title: 'job', value: (row) => row.id },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['jobs list --status running', 'what goes on now'],
    ['jobs list --status unknown', 'what nobody can tell the end of'],
  ]);
}

function registerOne(jobs: Command, scope: CommandScope): void {
  const show = jobs
    .command('show <id>')
    .description('show a job')
    .action(async (id: string, flags: CommonFlags) => {
      await showOne(openSession(scope, flags), `/jobs/${encodeURIComponent(id)}`, {
        schema: jobReply,
        text: detailText,
      });
    });
  addExamples(addClientOptions(show), scope, [['jobs show job_…', '']]);
  const cancel = jobs
    .command('cancel <id>')
    .description('ask for a job to be cancelled, at its provider too')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const body = await client.admin('POST', `/jobs/${encodeURIComponent(id)}/cancel`, {});
      output.data(body, () => {
        const job = parseReply(jobReply, body);
        return `${job.id} is to be cancelled; "jobs show ${job.id}" tells whether it was in time.`;
      });
    });
  addExamples(addClientOptions(cancel), scope, [['jobs cancel job_…', '']]);
}

const ENDED: ReadonlySet<string> = new Set([
  'succeeded',
  'failed',
  'cancelled',
  'expired',
  'unknown',
]);
const ASK_EVERY_MS = 1_000;

function registerWait(jobs: Command, scope: CommandScope): void {
  const wait = jobs
    .command('wait <id>')
    .description('wait until a job has ended; fails where it did not succeed')
    .action(async (id: string, flags: CommonFlags) => {
      const { client, output } = openSession(scope, flags);
      const path = `/jobs/${encodeURIComponent(id)}`;
      let body = await client.admin('GET', path);
      let job = parseReply(jobReply, body);
      while (!ENDED.has(job.status)) {
        await pause(ASK_EVERY_MS);
        body = await client.admin('GET', path);
        job = parseReply(jobReply, body);
      }
      output.data(body, () => detailText(job, output.colors));
      if (job.status === 'succeeded') return;
      throw new CliError(`The job ${job.id} is ${job.status}.`, {
        code: job.error?.code ?? job.status,
        fixes: [`alwrity-gateway jobs show ${job.id}`],
      });
    });
  addExamples(addClientOptions(wait), scope, [['jobs wait job_…', '']]);
}

/** Registers the command. */
export function registerJobs(program: Command, scope: CommandScope): void {
  const jobs = program.command('jobs').description('look at jobs, wait for them and cancel them');
  registerList(jobs, scope);
  registerOne(jobs, scope);
  registerWait(jobs, scope);
}
