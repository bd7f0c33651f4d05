import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ChatCaller, type CallResult, type ChatCall } from './chat-caller.ts';
import { ANSWER_USAGE, type GatedUpstream, startGatedUpstream } from './gated-upstream.ts';
import { eventually, GatewayProcess, makeCustomer } from './gateway-process.ts';
import { readStories } from './ledger-story.ts';
import { SmallDisk, whyNoMount } from './small-disk.ts';

const unable = whyNoMount();
if (unable !== null) process.stderr.write(`full-disk tests are skipped: ${unable}\n`);
const MEGABYTES = 14;
const IN_FLIGHT = 20;

function callOf(tag: string, stream: boolean): ChatCall {
  return { tag, model: 'openai/gpt-4o-mini', maxTokens: 50, stream, leaveAfterMs: null };
}

describe.skipIf(unable !== null)('a full disk under the whole gateway', () => {
  let workDir = '';
  let disk: SmallDisk;
  let upstream: GatedUpstream;
  let key = '';
  let caller: ChatCaller;
  let serial = 0;

  const start = (): GatewayProcess =>
    new GatewayProcess({
      dataDir: join(workDir, 'small'),
      workDir,
      port: 0,
      config: { logging: { level: 'error' }, metering: { unknownGraceMs: 200 } },
      openaiUrl: upstream.url,
    });

  beforeEach(async () => {
    workDir = mkdtempSync(join(tmpdir(), 'gateway-full-'));
    mkdirSync(join(workDir, 'small'));
    disk = new SmallDisk(join(workDir, 'small'), MEGABYTES);
    upstream = await startGatedUpstream();
  });
  afterEach(async () => {
    await caller.close();
    await upstream.close();
    disk.remove();
    rmSync(workDir, { recursive: true, force: true });
  });

  const call = (stream = false): Promise<CallResult> => {
    serial += 1;
    return caller.call(key, callOf(String(serial).padStart(6, '0'), stream));
  };

  /** A gateway with calls in progress, half of them streams that have begun, on a disk that is then filled. */
  async function fillUnderCalls(): Promise<{
    readonly gateway: GatewayProcess;
    readonly inFlight: Promise<CallResult>[];
  }> {
    const gateway = await start().ready();
    caller = new ChatCaller(gateway.url);
    key = await makeCustomer(gateway, 'full', [
      { meter: 'cost_usd', window: 'period', amount: '1000' },
      { meter: 'requests', window: 'period', amount: 100_000 },
    ]);
    const inFlight = Array.from({ length: IN_FLIGHT }, (_, n) => call(n % 2 === 0));
    await eventually(() => upstream.waiting === IN_FLIGHT);
    disk.fill();
    return { gateway, inFlight };
  }

  /** Calls until the gateway refuses. The calls that still found room are in the list. */
  async function callUntilRefused(inFlight: Promise<CallResult>[]): Promise<CallResult> {
    for (let n = 0; n < 5000; n += 1) {
      const waiting = upstream.waiting;
      const one = call();
      const first = await Promise.race([
        one,
        eventually(() => upstream.waiting > waiting).then(() => null),
      ]);
      if (first !== null) return first;
      inFlight.push(one);
    }
    throw new Error('the disk did not fill');
  }

  async function callUntilAdmitted(): Promise<CallResult> {
    for (let n = 0; n < 200; n += 1) {
      const waiting = upstream.waiting;
      const one = call();
      await Promise.race([one, eventually(() => upstream.waiting > waiting)]);
      upstream.release();
      const result = await one;
      if (result.end === 'whole') return result;
      expect(result.code).toBe('metering_unavailable');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    throw new Error('the gateway did not recover');
  }

  function expectUnavailable(result: CallResult): void {
    expect(result).toMatchObject({ status: 503, code: 'metering_unavailable' });
    expect(Number(result.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  }

  it('stops admission, lets running calls end booked, and recovers when space returns', async () => {
    const { gateway, inFlight } = await fillUnderCalls();
    expectUnavailable(await callUntilRefused(inFlight));
    const received = upstream.received;
    expectUnavailable(await call());
    expect(upstream.received).toBe(received);
    upstream.release();
    const results = await Promise.all(inFlight);
    expect(results.filter(({ end }) => end !== 'whole')).toEqual([]);
    disk.free();
    const after = await callUntilAdmitted();
    expect(after.end).toBe('whole');
    expect(await gateway.verify()).toMatchObject({ ok: true, open_holds: 0, mismatches: [] });
    const stories = await readStories(gateway);
    for (const { tag } of [...results, after]) {
      const [story, ...others] = stories.filter((one) => one.tag === tag);
      expect(others).toEqual([]);
      expect(story?.endings).toEqual(['settle']);
      expect(story?.attempts.at(-1)?.usage).toMatchObject({
        input_text_tokens: ANSWER_USAGE.prompt_tokens,
        output_text_tokens: ANSWER_USAGE.completion_tokens,
      });
    }
    expect(stories).toHaveLength(results.length + 1);
    expect((await gateway.stop()).code).toBe(0);
  }, 120_000);

  it('has booked what clients got when it is killed before space returns', async () => {
    const { gateway, inFlight } = await fillUnderCalls();
    expectUnavailable(await callUntilRefused(inFlight));
    upstream.release();
    const results = await Promise.all(inFlight);
    expect(results.filter(({ end }) => end !== 'whole')).toEqual([]);
    await gateway.kill();
    await caller.close();
    disk.free();
    const next = await start().ready();
    caller = new ChatCaller(next.url);
    expect(await next.verify()).toMatchObject({ ok: true, open_holds: 0, mismatches: [] });
    const stories = await readStories(next);
    const settled = stories.filter(({ endings }) => endings.join() === 'settle');
    expect(settled.map(({ tag }) => tag).toSorted()).toEqual(
      results.map(({ tag }) => tag).toSorted(),
    );
    expect((await next.stop()).code).toBe(0);
  }, 120_000);
});
