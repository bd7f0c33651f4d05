/**
 * What has ended is kept as long as what it made, and then removed; what was booked stays.
 *
 * @module
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually, openLab, type Lab, type Reply } from '../support/lab.ts';
import { createCustomerKey, usageOf, type CustomerKey } from '../support/running-gateway.ts';

const DAY_MS = 86_400_000;

let lab: Lab;
let customer: CustomerKey;

beforeAll(async () => {
  lab = await openLab({
    ownSim: true,
    config: 'assets: {expireAfterDays: 7}\nretention: {jobsDays: 30}',
  });
  customer = await createCustomerKey(lab.gateway);
});
afterAll(() => lab.close());

const get = (path: string): Promise<Reply> => lab.call(path, { key: customer.apiKey });

it('is removed with its assets, and says how to go on', async () => {
  const body = { model: 'sim/video', prompt: 'for a week', seconds: 4 };
  const made = await lab.call('/v1/videos', { key: customer.apiKey, body });
  const id = String(made.json['id']);
  let job: Reply['json'] = {};
  await eventually(async () => {
    job = (await get(`/v1/jobs/${id}`)).json;
    return job['status'] === 'succeeded';
  });
  const keptMs = Date.parse(String(job['expires_at'])) - Date.parse(String(job['finished_at']));
  expect(Math.round(keptMs / DAY_MS)).toBe(7);
  const video = (await get(`/v1/videos/${id}`)).json;
  expect(video['expires_at']).toBe(Math.floor(Date.parse(String(job['expires_at'])) / 1000));

  const { assets, store } = lab.gateway.gateway.gateway;
  const [{ asset_id: assetId = '' } = {}] = job['outputs'] as { asset_id?: string }[];
  expect(await store.jobs.removeExpired(Date.now() + 6 * DAY_MS, 10)).toBe(0);
  expect(await store.jobs.removeExpired(Date.now() + 8 * DAY_MS, 10)).toBe(1);
  await assets.remove(assetId);

  const gone = { status: 404, error: { code: 'not_found', message: /make it again/ } };
  for (const path of [`/v1/jobs/${id}`, `/v1/videos/${id}`, `/v1/videos/${id}/content`]) {
    const reply = await get(path);
    expect(reply.status).toBe(gone.status);
    expect(String(reply.error['message'])).toMatch(gone.error.message);
  }
  const { totals } = await usageOf(lab.gateway, customer.externalId);
  expect(totals.cost_usd).toBe(job['cost']);
  expect(await lab.openHolds()).toBe(0);
});
