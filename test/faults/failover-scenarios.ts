/**
 * The sixteen failover scenarios B1 to B16, each as a function from a lab to what was seen and the verdict.
 *
 * Times are scaled by 1:20: the first-event limit of 30 s with a fallback is 1.5 s here, 10 s is 0.5 s, a stall of 30 s
 * is 1.5 s. Waits of the retry policy itself (250 ms, 500 ms, a named 2 s) are real.
 *
 * @module
 */
import type { FaultInput } from '../../src/simulators/index.ts';
import { eventually } from '../support/lab.ts';
import { requestOf } from '../support/running-gateway.ts';
import type { FaultLab, Outcome, Route, Shape } from './fault-lab.ts';

export const SCALE = 20;
/** A second of a busy machine, unscaled: what an end may be late without anything being wrong. */
const SLACK_S = SCALE;

export type Verdict = 'pass' | 'partial' | 'safe' | 'fail';

export interface Setting {
  readonly shape: Shape;
  readonly stream: boolean;
  readonly commit: 'first_event' | 'complete';
}

export interface Finding {
  readonly verdict: Verdict;
  readonly notes: readonly string[];
}

interface Scenario {
  readonly title: string;
  /** What the primary does, as streamed and as whole answer; a list is a script, after which it is healthy. */
  readonly fault: FaultInput | readonly (FaultInput | null)[];
  readonly wholeFault?: FaultInput;
  /** What the fallback does; null: healthy. */
  readonly fallbackFault?: FaultInput;
  /** Attempts that the primary must see. */
  readonly primary: readonly [least: number, most: number];
  /** Longest time to the end, in unscaled seconds. */
  readonly withinS: number;
  /** The error that is right where there is no answer. */
  readonly refusal?: { readonly status: number; readonly code: string; readonly reason: RegExp };
  /** Whether the primary's own answer comes too late to be more than partial. */
  readonly isLate?: boolean;
  /** Least time between the first two primary attempts, in real ms. */
  readonly gapMs?: number;
}

const UNANSWERED = 'the caller has neither the answer nor an error';

export const SCENARIOS: Readonly<Record<string, Scenario>> = {
  B1: {
    title: 'first attempt 429 with Retry-After: 2, then healthy',
    fault: ['429-retry-after-2', null],
    primary: [2, 2],
    withinS: 100,
    gapMs: 1800,
  },
  B2: { title: 'every attempt 429, no wait named', fault: '429', primary: [1, 2], withinS: 100 },
  B3: { title: 'one 500, then healthy', fault: ['500', null], primary: [2, 2], withinS: 60 },
  B4: { title: 'every attempt 503', fault: '503', primary: [1, 2], withinS: 60 },
  B5: {
    title: 'first connection reset before any byte',
    fault: ['reset-before-headers', null],
    primary: [1, 2],
    withinS: 60,
  },
  B6: { title: 'accepts and stays silent', fault: 'stall-headers', primary: [1, 1], withinS: 100 },
  B7: {
    title: 'headers at once, first token after 20 s',
    fault: `stall-first-${20_000 / SCALE}`,
    primary: [1, 1],
    withinS: 60,
    isLate: true,
  },
  B8: {
    title: 'stream dies after 40 of 60 tokens',
    fault: 'reset-after-40',
    wholeFault: 'reset-in-body',
    primary: [1, 2],
    withinS: 60,
  },
  B9: {
    title: 'after 20 tokens silent for 30 s, then closes',
    fault: `stall-after-20-${30_000 / SCALE}-eof`,
    wholeFault: 'stall-first',
    primary: [1, 1],
    withinS: 100,
  },
  B10: {
    title: 'the tenth event is invalid JSON',
    fault: 'bad-event-10',
    wholeFault: 'bad-json',
    primary: [1, 1],
    withinS: 60,
  },
  B11: { title: 'only [DONE] is missing', fault: 'no-done', primary: [1, 1], withinS: 20 },
  B12: {
    title: 'every attempt 400 context_length_exceeded',
    fault: '400-context-length',
    primary: [1, 1],
    withinS: 20,
    refusal: { status: 400, code: 'context_length_exceeded', reason: /token/i },
  },
  B13: {
    title: 'every attempt 400 content_policy_violation',
    fault: '400-content-policy',
    primary: [1, 1],
    withinS: 20,
    refusal: { status: 422, code: 'content_filtered', reason: /rejected|blocked/i },
  },
  B14: {
    title: 'primary dies after 40 tokens, the fallback refuses a prefill',
    fault: 'reset-after-40',
    wholeFault: 'reset-in-body',
    primary: [1, 2],
    withinS: 60,
  },
  B16: {
    title: 'primary always 503, fallback answers',
    fault: '503',
    primary: [1, 2],
    withinS: 60,
  },
};

/** What cannot be forgiven in any scenario. */
function hardFaults(outcome: Outcome, expected: string, setting: Setting): string[] {
  const found: string[] = [...outcome.malformed];
  if (!outcome.isWhole) found.push('the connection broke without an end');
  const claimsSuccess = setting.stream
    ? outcome.hasDone || outcome.error === null
    : outcome.status === 200;
  if (outcome.status === 200 && claimsSuccess && outcome.text !== expected) {
    found.push(`${outcome.text.length} of ${expected.length} characters shown as success`);
  }
  if (outcome.error !== null && outcome.hasDone) found.push('[DONE] after an error');
  if (outcome.status === 401) found.push('an outage shown as 401');
  if (/prefill/i.test(outcome.raw)) found.push('the caller sees the refused prefill');
  if (setting.stream && outcome.text !== '' && !expected.startsWith(outcome.text)) {
    found.push('text that the model did not say');
  }
  return found;
}

/** Attempts logged = attempt rows, and what was billed for whole answers = what was booked. */
async function ledgerFaults(lab: FaultLab, route: Route, outcome: Outcome): Promise<string[]> {
  const found: string[] = [];
  const id = String(outcome.headers['x-request-id']);
  const record = await requestOf(lab.gateway, id);
  const logged = [...lab.logOf(route.primary), ...lab.logOf(route.fallback)];
  if (record.attempt_rows.length !== logged.length) {
    found.push(`${record.attempt_rows.length} attempt rows for ${logged.length} logged attempts`);
  }
  if (!['settled', 'voided', 'void'].includes(record.hold?.state ?? '')) {
    found.push(`hold ${record.hold?.state ?? 'missing'}`);
  }
  for (const [index, row] of record.attempt_rows.entries()) {
    const billed = logged[index]?.billed ?? null;
    if (row.outcome === 'succeeded' && !row.estimated) {
      const output = (row.usage['output_text_tokens'] ?? 0) + (row.usage['reasoning_tokens'] ?? 0);
      if (billed?.outputTokens !== output)
        found.push(`booked ${output} of ${billed?.outputTokens}`);
    }
    if (row.billable === 'no' && row.cost !== '0' && Number(row.cost) !== 0) {
      found.push(`a refused attempt cost ${row.cost}`);
    }
    if (billed === null && row.billable === 'yes') found.push('booked what was not billed');
  }
  return found;
}

function conductFaults(lab: FaultLab, route: Route, scenario: Scenario): string[] {
  const found: string[] = [];
  const attempts = lab.logOf(route.primary);
  const [least, most] = scenario.primary;
  if (attempts.length < least || attempts.length > most) {
    found.push(`${attempts.length} primary attempts, wanted ${least} to ${most}`);
  }
  const [first, second] = attempts;
  if (scenario.gapMs !== undefined && first !== undefined && second !== undefined) {
    const gapMs = second.startedAtMs - first.startedAtMs;
    if (gapMs < scenario.gapMs) found.push(`repeated after ${gapMs} ms`);
  }
  return found;
}

function judge(
  outcome: Outcome,
  facts: {
    readonly expected: string;
    readonly hard: readonly string[];
    readonly advisory: readonly string[];
    readonly scenario: Scenario;
    readonly primary: string;
  },
): Finding {
  const { scenario, expected, hard, advisory } = facts;
  const tookS = (outcome.tookMs * SCALE) / 1000;
  if (hard.length > 0) return { verdict: 'fail', notes: hard };
  if (tookS > scenario.withinS + SLACK_S)
    return { verdict: 'fail', notes: [`ended after ${tookS} s`] };
  const { refusal } = scenario;
  if (refusal !== undefined) {
    const message = String(outcome.error?.['message']);
    const isRight =
      outcome.status === refusal.status &&
      outcome.error?.['code'] === refusal.code &&
      refusal.reason.test(message) &&
      advisory.length === 0;
    return isRight
      ? { verdict: 'pass', notes: [] }
      : { verdict: 'fail', notes: [`${outcome.status} ${outcome.raw.slice(0, 200)}`, ...advisory] };
  }
  if (outcome.status === 200 && outcome.text === expected && outcome.error === null) {
    const isLate = scenario.isLate === true && outcome.model === facts.primary;
    const late = isLate ? [`waited ${tookS.toFixed(1)} s for the primary`] : [];
    const missed = [...advisory, ...late];
    if (outcome.usage === null) missed.push('no usage');
    return { verdict: missed.length === 0 ? 'pass' : 'partial', notes: missed };
  }
  if (outcome.error === null) return { verdict: 'fail', notes: [UNANSWERED] };
  return { verdict: 'safe', notes: [String(outcome.error['code']), ...advisory] };
}

/** The B16 view: who answered is said everywhere, and only its usage is paid. */
async function identityFaults(lab: FaultLab, route: Route, outcome: Outcome): Promise<string[]> {
  const found: string[] = [];
  if (outcome.model !== route.fallback) found.push(`body names ${outcome.model}`);
  const named = String(outcome.headers['x-gateway-model']);
  if (!named.endsWith(`/${route.fallback}`)) found.push(`x-gateway-model is ${named}`);
  const { record } = await lab.books(outcome);
  const rows = record.attempt_rows;
  if (!rows.slice(0, -1).every((row) => row.outcome !== 'succeeded' && Number(row.cost) === 0)) {
    found.push('failed attempts are not rows of cost 0');
  }
  if (rows.at(-1)?.cost !== record.cost) found.push('the cost is not the fallback’s alone');
  return found;
}

/** Runs one scenario on models of its own. */
export async function runScenario(
  lab: FaultLab,
  id: string,
  facts: { readonly setting: Setting; readonly expected: string },
): Promise<Finding> {
  const scenario = SCENARIOS[id];
  if (scenario === undefined) throw new Error(`No scenario ${id}`);
  const { setting, expected } = facts;
  const route = lab.route(setting.shape);
  lab.fault(
    route.primary,
    setting.stream ? scenario.fault : (scenario.wholeFault ?? scenario.fault),
  );
  const outcome = await lab.send({ model: route.alias, stream: setting.stream });
  await eventually(() => lab.logOf(route.primary).every((entry) => entry.outcome !== 'open'));
  const hard = hardFaults(outcome, expected, setting);
  hard.push(...(await ledgerFaults(lab, route, outcome)));
  const advisory = conductFaults(lab, route, scenario);
  if (scenario.refusal !== undefined && lab.logOf(route.fallback).length > 0) {
    advisory.push('the fallback was called');
  }
  if (id === 'B16') hard.push(...(await identityFaults(lab, route, outcome)));
  const healthy = await lab.send({ model: lab.route(setting.shape).alias, stream: setting.stream });
  if (healthy.text !== expected) hard.push('the next healthy call failed');
  return judge(outcome, { expected, hard, advisory, scenario, primary: route.primary });
}

/** An outage of 60 s, one request every 4 s: the wall clock jumps, so that nothing has to be waited for. */
export async function runOutage(
  lab: FaultLab,
  facts: { readonly setting: Setting; readonly expected: string },
): Promise<Finding> {
  const { setting, expected } = facts;
  const route = lab.route(setting.shape);
  const { clock } = lab.inner;
  const startMs = Date.now();
  let nowMs = startMs;
  clock.nowMs = () => nowMs;
  lab.fault(route.primary, '503', { forMs: 3_600_000 });
  const hard: string[] = [];
  const primaryAt: number[] = [];
  let primaryInOutage = 0;
  for (let request = 0; request < 40; request += 1) {
    if (request === 15) {
      primaryInOutage = lab.logOf(route.primary).length;
      lab.simulator.reset();
    }
    const before = lab.logOf(route.primary).length;
    const outcome = await lab.send({ model: route.alias, stream: setting.stream });
    if (outcome.text !== expected || outcome.error !== null) {
      hard.push(`request ${request}: ${outcome.raw.slice(0, 120)}`);
    }
    if (outcome.model === route.primary) primaryAt.push(request);
    if (request < 15 && lab.logOf(route.primary).length - before > 2) hard.push('hammered');
    nowMs += 4000;
  }
  const recovered = primaryAt.find((request) => request >= 15) ?? Infinity;
  if (hard.length > 0) return { verdict: 'fail', notes: hard };
  const missed: string[] = [];
  if ((recovered - 15) * 4 > 30) missed.push(`primary used again ${(recovered - 15) * 4} s after`);
  if (primaryInOutage > 9) missed.push(`${primaryInOutage} primary attempts for 15 requests`);
  return { verdict: missed.length === 0 ? 'pass' : 'partial', notes: missed };
}
