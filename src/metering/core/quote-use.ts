/**
 * One operation of a quote against the limits: several uses of it at once, each like a call of its own.
 *
 * What a quote can hold are buckets. `minute` and `concurrent` limits are judged when a call is made; here they refuse
 * only what even the empty limit would not bear.
 *
 * @module
 */
import type { CandidateBound, ElasticOutput, Refused } from '../ports.ts';
import {
  assess,
  type Assessment,
  binds,
  type Call,
  needOf,
  reachOf,
  tokensWithin,
} from './assess.ts';
import { bucketed } from './compiled-plan.ts';
import { gatePlan } from './gate.ts';
import { refuseLimits } from './refusal.ts';
import type { Memory } from './state.ts';
import { admits } from './take.ts';

/** One candidate of an operation, judged for all of its uses together. */
export interface JudgedCandidate {
  readonly call: Call;
  /** Output tokens of one use; null without an elastic part. */
  readonly tokens: number | null;
  /** What all uses need, in `base`; where the window has no bucket, what one use needs. */
  readonly assessments: readonly Assessment[];
  /** Null where it is admitted. */
  readonly refused: Refused | null;
}

/** Most that one of `count` uses may need of a limit. */
function shareOf(assessment: Assessment, count: bigint): bigint {
  return bucketed(assessment.limit.windowKind) ? reachOf(assessment) / count : assessment.size;
}

/** Output tokens that every use can have, at most what is wanted; -1 where the uses fit with none. */
function tokensOfEach(
  assessments: readonly Assessment[],
  elastic: ElasticOutput | null,
  count: bigint,
): number {
  let tokens = elastic?.tokens ?? 0;
  for (const assessment of assessments) {
    if (!binds(assessment)) continue;
    tokens = Math.min(tokens, tokensWithin(assessment, elastic, shareOf(assessment, count)));
  }
  return tokens;
}

/** The need of all uses as a fixed amount, so that it is taken and told of like any other. */
function ofAllUses(
  assessment: Assessment,
  use: {
    readonly elastic: ElasticOutput | null;
    readonly tokens: number;
    readonly count: bigint;
  },
): Assessment {
  const need = needOf(assessment, use.elastic, use.tokens);
  return bucketed(assessment.limit.windowKind)
    ? { ...assessment, base: need * use.count, elastic: false }
    : { ...assessment, base: need, elastic: false, capacity: assessment.size };
}

/** Judges `count` uses of the call's next candidate against the limits alone. */
export function judgeUses(memory: Memory, call: Call, count: number): JudgedCandidate {
  const { elastic } = call.next;
  const uses = BigInt(count);
  const each = assess(call);
  const tokens = tokensOfEach(each, elastic, uses);
  const admitted = admits(elastic, tokens);
  const told = admitted ? tokens : (elastic?.minTokens ?? 0);
  const assessments = each.map((assessment) =>
    ofAllUses(assessment, { elastic, tokens: told, count: uses }),
  );
  if (admitted) {
    return { call, tokens: elastic === null ? null : tokens, assessments, refused: null };
  }
  const refused = refuseLimits(call, assessments, memory.plans);
  // The sentences and actions of a refusal speak of the call's own elastic output; with all uses in the base there is none.
  const { actions } = refused.refusal;
  const reduced =
    elastic !== null && tokens >= 1
      ? [{ do: 'reduce' as const, param: 'output.max_tokens', max: tokens }]
      : [];
  const own = actions.filter((action) => action.do !== 'reduce');
  return {
    call,
    tokens: null,
    assessments,
    refused: { ...refused, refusal: { ...refused.refusal, actions: [...reduced, ...own] } },
  };
}

/** True where `count` uses of the bound would be admitted now: for advice. */
export function wouldFit(
  memory: Memory,
  call: Call,
  use: { readonly bound: CandidateBound; readonly count: number },
): boolean {
  const other = { ...call, next: use.bound };
  if (gatePlan(memory, other) !== null) return false;
  return judgeUses(memory, other, use.count).refused === null;
}

/** Most uses below `count` that would fit; 0 where not even one does. */
export function usesThatFit(judged: JudgedCandidate, count: number): number {
  let most = BigInt(count) - 1n;
  for (const assessment of judged.assessments) {
    if (!binds(assessment)) continue;
    const { limit, base, size } = assessment;
    if (!bucketed(limit.windowKind)) {
      if (base > size) return 0;
      continue;
    }
    const each = base / BigInt(count);
    const fit = each > 0n ? reachOf(assessment) / each : most;
    if (fit < most) most = fit;
  }
  return Number(most);
}
