/**
 * Jobs as the operator sees them: over the control plane and on the command line.
 *
 * @module
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { commandLineOf, type CommandLine } from '../support/command-line.ts';
import { ADMIN_KEY, eventually, openLab, type Lab } from '../support/lab.ts';
import {
  AdminCallError,
  callAdmin,
  createCustomerKey,
  type CustomerKey,
} from '../support/running-gateway.ts';

let lab: Lab;
let line: CommandLine;
let one: CustomerKey;
let other: CustomerKey;

beforeAll(async () => {
  lab = await openLab({ providers: 'none', ownSim: true });
  line = commandLineOf(lab.gateway, { GATEWAY_ADMIN_KEY: ADMIN_KEY });
  one = await createCustomerKey(lab.gateway);
  other = await createCustomerKey(lab.gateway);
});
afterAll(async () => {
  line.close();
  await lab.close();
});

interface Listed {
  readonly id: string;
  readonly status: string;
  readonly customer: string;
  readonly provider_job_id: string | null;
}

const jobs = (...args: string[]) => line.run('jobs', ...args);
const adminJobs = (query: string) =>
  callAdmin<{ readonly data: readonly Listed[] }>(lab.gateway, `GET /jobs${query}`);

async function makeClip({ apiKey }: CustomerKey, prompt: string): Promise<string> {
  const body = { model: 'sim/video', prompt, seconds: 4 };
  const reply = await lab.call('/v1/videos', { key: apiKey, body });
  expect(reply.status, reply.text).toBe(200);
  return String(reply.json['id']);
}

async function statusOf(id: string): Promise<string> {
  return (await callAdmin<Listed>(lab.gateway, `GET /jobs/${id}`)).status;
}

it('lists, shows, waits for and cancels the jobs of all customers', async () => {
  expect(await jobs('list')).toMatchObject({ code: 0, out: '', err: 'No jobs.\n' });
  const quick = await makeClip(one, 'sim:takes=20');
  const slow = await makeClip(other, 'sim:takes=100000');
  const failing = await makeClip(one, 'sim:takes=20 sim:fail');

  const waited = await jobs('wait', quick);
  expect(waited).toMatchObject({ code: 0 });
  expect(waited.out).toMatch(/^status +succeeded$/m);
  const failed = await jobs('wait', failing);
  expect(failed.code).not.toBe(0);
  expect(failed.err).toContain(`The job ${failing} is failed.`);

  expect((await adminJobs('')).data.map(({ id }) => id)).toEqual([failing, slow, quick]);
  expect((await adminJobs(`?customer=${one.externalId}&status=succeeded`)).data).toMatchObject([
    { id: quick, customer: one.customerId, provider_job_id: expect.stringMatching(/^sim-/) },
  ]);
  expect((await adminJobs('?operation=image.*')).data).toEqual([]);
  const listed = await jobs('list', '--customer', other.externalId, '--operation', 'video.*');
  expect(listed.out).toMatch(new RegExp(`video.text_to_video +sim/video .*${slow}`));
  const shown = await jobs('show', quick, '--json');
  expect(shown.json).toMatchObject({ id: quick, status: 'succeeded', customer: one.customerId });

  await eventually(async () => (await statusOf(slow)) === 'running');
  expect(await jobs('cancel', slow)).toMatchObject({ code: 0 });
  await eventually(async () => (await statusOf(slow)) === 'cancelled');
  expect(lab.simulator.jobs().map(({ state }) => state)).toContain('cancelled');
  expect((await jobs('cancel', slow)).err).toContain('has ended');
});

it('says which job there is not', async () => {
  for (const verb of ['show', 'wait', 'cancel']) {
    const { code, err } = await jobs(verb, 'job_nothing');
    expect(code).not.toBe(0);
    expect(err).toContain('There is no job "job_nothing".');
  }
  await expect(adminJobs('?customer=nobody')).rejects.toBeInstanceOf(AdminCallError);
  await expect(adminJobs('?status=lost')).rejects.toMatchObject({ status: 400 });
});
