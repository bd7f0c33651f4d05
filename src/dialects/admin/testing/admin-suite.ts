/**
 * What all tests of the control plane share: the harness of the running test, and the calls they make most.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, expect } from 'vitest';
import { createHarness, type Harness, type OpenStore, type TestReply } from './harness.ts';

export const STARTER = {
  id: 'starter',
  name: 'Starter',
  limits: [
    { meter: 'requests', window: 'period', amount: 50 },
    { meter: 'cost_usd', window: 'period', amount: '2.00' },
    { meter: 'images', window: 'period', amount: 'disabled' },
    { meter: 'requests', window: 'minute', amount: 20 },
    { meter: 'requests', window: 'concurrent', amount: 4 },
  ],
};

export function expectProblem(
  reply: TestReply,
  expected: { status: number; code: string; param?: string; detail?: RegExp },
): void {
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.body).toMatchObject({
    type: `/docs/errors#${expected.code}`,
    status: expected.status,
    code: expected.code,
    instance: reply.headers.get('x-request-id'),
  });
  expect(reply.status).toBe(expected.status);
  if (expected.param !== undefined) expect(reply.body['param']).toBe(expected.param);
  if (expected.detail !== undefined) expect(reply.body['detail']).toMatch(expected.detail);
}

export function dataOf(reply: TestReply): readonly Record<string, unknown>[] {
  return reply.body['data'] as readonly Record<string, unknown>[];
}

export function cursorOf(reply: TestReply): string {
  const cursor = reply.body['next_cursor'];
  if (typeof cursor !== 'string') throw new Error('this is the last page');
  return encodeURIComponent(cursor);
}

export interface AdminSuite {
  /** Over a store of the test's own, or the one that {@link AdminSuite.onOneStore} opened. */
  readonly harness: Harness;
  readonly post: (path: string, body: unknown) => Promise<TestReply>;
  readonly get: (path: string) => Promise<TestReply>;
  /** Makes the plan `starter` and a customer on it. */
  readonly starter: (externalId?: string) => Promise<TestReply>;
  /** For tests of refusals: they change nothing, so one store serves the group. */
  readonly onOneStore: () => void;
}

/** Opens a store for each test of the group that it is called in. */
export function createSuite(openStore: OpenStore): AdminSuite {
  let own: Harness | null = null;
  let shared: Harness | null = null;
  const current = (): Harness => {
    const harness = shared ?? own;
    if (harness === null) throw new Error('the harness is there while a test runs');
    return harness;
  };
  beforeEach(async () => {
    if (shared !== null) return undefined;
    const opened = await createHarness(openStore);
    own = opened;
    return () => opened.store.close();
  });
  const post = (path: string, body: unknown) => current().call('POST', path, { body });
  return {
    get harness() {
      return current();
    },
    post,
    get: (path) => current().call('GET', path),
    starter: async (externalId = 'user-1') => {
      await post('/plans', STARTER);
      return post('/customers', { externalId, plan: 'starter' });
    },
    onOneStore: () => {
      beforeAll(async () => {
        shared = await createHarness(openStore);
      });
      afterAll(async () => {
        await shared?.store.close();
        shared = null;
      });
    },
  };
}
