/**
 * Which faults a call meets: its own header first, then scripts in the order they were set, then the model's name.
 *
 * @module
 */
import type { Fault } from './fault.ts';
import { faultsOf, modelFaults, type FaultInput } from './fault-grammar.ts';
import { createRandom } from './random.ts';

export interface FaultMatch {
  /** `openai`, `gemini`, `huggingface`. */
  readonly family?: string;
  /** Exact, or with `*` for any run of characters. */
  readonly model?: string;
  /** Exact, or with `*`; path without query. */
  readonly path?: string;
  /** Last four characters of the credential. */
  readonly keyLast4?: string;
}

/** A script: what the first, second … matching call meets. */
export interface FaultRule {
  readonly match?: FaultMatch;
  /** One step a call; null is a healthy call. */
  readonly sequence: readonly (FaultInput | null)[];
  /**
   * After the last step: `false` the rule is spent (default), `true` it starts again, `last` the last step stays, as it
   * does with `forMs` and `percent`.
   */
  readonly repeat?: boolean | 'last';
  /** The rule is spent so many ms after its first matching call: an outage window. */
  readonly forMs?: number;
  /** Share of matching calls that meet a step, 0 to 100, by the seed; the others are healthy. */
  readonly percent?: number;
}

export interface FaultSubject {
  readonly family: string | null;
  readonly model: string | null;
  readonly path: string;
  readonly keyLast4: string | null;
  readonly header: string | null;
  readonly nowMs: number;
}

interface RuleState {
  readonly rule: FaultRule;
  readonly steps: readonly (readonly Fault[])[];
  calls: number;
  firstAtMs: number | null;
}

export interface FaultRules {
  /** @throws TypeError when a step cannot be read */
  set(rule: FaultRule): void;
  /** @throws TypeError when the call's header cannot be read */
  select(subject: FaultSubject): readonly Fault[];
  /** Forgets scripts and counters. */
  clear(): void;
}

function globMatches(glob: string | undefined, text: string | null): boolean {
  if (glob === undefined) return true;
  if (text === null) return false;
  if (!glob.includes('*')) return glob === text;
  const [head = '', ...rest] = glob.split('*');
  const tail = rest.pop() ?? '';
  if (!text.startsWith(head) || text.length < head.length + tail.length) return false;
  if (!text.endsWith(tail)) return false;
  let at = head.length;
  const end = text.length - tail.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found < 0 || found + part.length > end) return false;
    at = found + part.length;
  }
  return true;
}

function matches(match: FaultMatch, subject: FaultSubject): boolean {
  return (
    globMatches(match.family, subject.family) &&
    globMatches(match.model, subject.model) &&
    globMatches(match.path, subject.path) &&
    globMatches(match.keyLast4, subject.keyLast4)
  );
}

function percentMeets(seed: string, call: number, percent: number | undefined): boolean {
  if (percent === undefined) return true;
  return createRandom(seed, 'percent', call).next() * 100 < percent;
}

/** A window or a share says itself how long the rule holds. */
function lasts(rule: FaultRule): boolean {
  return rule.forMs !== undefined || rule.percent !== undefined;
}

/** The step this call takes; undefined when the rule is spent. */
function stepOf(state: RuleState, seed: string, nowMs: number): readonly Fault[] | undefined {
  const { rule, steps } = state;
  state.firstAtMs ??= nowMs;
  if (rule.forMs !== undefined && nowMs - state.firstAtMs >= rule.forMs) return undefined;
  const call = state.calls;
  if (!percentMeets(seed, call, rule.percent)) {
    state.calls += 1;
    return [];
  }
  let index = call;
  if (index >= steps.length) {
    if (rule.repeat === true) index %= steps.length;
    else if (rule.repeat === 'last' || lasts(rule)) index = steps.length - 1;
    else return undefined;
  }
  state.calls += 1;
  return steps[index];
}

/** Rules of one simulator. */
export function createFaultRules(seed: string, initial: readonly FaultRule[]): FaultRules {
  const states: RuleState[] = [];
  const models = new Map<string, { calls: number; firstAtMs: number }>();
  const set = (rule: FaultRule): void => {
    const steps = rule.sequence.map((step) => (step === null ? [] : faultsOf(step)));
    states.push({ rule, steps, calls: 0, firstAtMs: null });
  };
  for (const rule of initial) set(rule);

  const byModel = (model: string, nowMs: number): readonly Fault[] => {
    const named = modelFaults(model);
    if (named.faults.length === 0) return [];
    const state = models.get(model) ?? { calls: 0, firstAtMs: nowMs };
    models.set(model, state);
    const call = state.calls;
    state.calls += 1;
    if (named.times !== null && call >= named.times) return [];
    if (named.forMs !== null && nowMs - state.firstAtMs >= named.forMs) return [];
    return percentMeets(`${seed}/${model}`, call, named.percent ?? undefined) ? named.faults : [];
  };

  return {
    set,
    select(subject) {
      if (subject.header !== null) return faultsOf(subject.header);
      for (const state of states) {
        if (!matches(state.rule.match ?? {}, subject)) continue;
        const step = stepOf(state, seed, subject.nowMs);
        if (step !== undefined) return step;
      }
      return subject.model === null ? [] : byModel(subject.model, subject.nowMs);
    },
    clear() {
      states.length = 0;
      models.clear();
    },
  };
}
