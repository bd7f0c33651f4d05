/**
 * ALwrity's names of limits (`format_plan_limits` in its subscription API, ALwrity/ALwrity at ce9bf293) and the limits
 * that they stand for. Its "mistral" counts Hugging Face, its "stability" counts images.
 *
 * @module
 */
import type { LimitInput, Meter, PlanInput } from '../../contracts/metering.ts';
import { compileGlob } from '../../metering/core/glob.ts';
import { meterAmountAsNumber, parseMeterAmount } from '../../metering/core/meter-amounts.ts';
import type { UsageReport } from '../../metering/ports.ts';

export interface LimitField {
  readonly name: string;
  readonly meter: Meter;
  /** Glob on the operation. */
  readonly operation?: string;
  /** Vendor whose models it counts. */
  readonly provider?: string;
}

const text = 'text.generate';

/** In ALwrity's order. */
export const LIMIT_FIELDS = [
  { name: 'ai_text_generation_calls', meter: 'requests', operation: text },
  { name: 'gemini_calls', meter: 'requests', operation: text, provider: 'gemini' },
  { name: 'openai_calls', meter: 'requests', operation: text, provider: 'openai' },
  { name: 'anthropic_calls', meter: 'requests', operation: text, provider: 'anthropic' },
  { name: 'mistral_calls', meter: 'requests', operation: text, provider: 'huggingface' },
  { name: 'tavily_calls', meter: 'searches', provider: 'tavily' },
  { name: 'serper_calls', meter: 'searches', provider: 'serper' },
  { name: 'metaphor_calls', meter: 'searches', provider: 'metaphor' },
  { name: 'firecrawl_calls', meter: 'searches', provider: 'firecrawl' },
  { name: 'stability_calls', meter: 'images' },
  { name: 'video_calls', meter: 'video_clips' },
  { name: 'image_edit_calls', meter: 'image_edits' },
  { name: 'audio_calls', meter: 'requests', operation: 'audio.*' },
  { name: 'exa_calls', meter: 'searches', provider: 'exa' },
  { name: 'wavespeed_calls', meter: 'requests', provider: 'wavespeed' },
  { name: 'gemini_tokens', meter: 'total_tokens', operation: text, provider: 'gemini' },
  { name: 'openai_tokens', meter: 'total_tokens', operation: text, provider: 'openai' },
  { name: 'anthropic_tokens', meter: 'total_tokens', operation: text, provider: 'anthropic' },
  { name: 'mistral_tokens', meter: 'total_tokens', operation: text, provider: 'huggingface' },
  { name: 'monthly_cost', meter: 'cost_usd' },
] as const satisfies readonly LimitField[];

/** A name of {@link LIMIT_FIELDS}. */
export type LimitFieldName = (typeof LIMIT_FIELDS)[number]['name'];

/** What 0 means: never ambiguous here, so it is said for every field. */
export type ZeroMeaning = 'disabled' | 'unlimited' | 'limited';

function isOf(limit: LimitInput, field: LimitField): boolean {
  const model = field.provider === undefined ? undefined : `${field.provider}/*`;
  return (
    limit.window === 'period' &&
    (limit.scope ?? 'customer') === 'customer' &&
    limit.meter === field.meter &&
    limit.operation === field.operation &&
    limit.model === model
  );
}

/** The plan's limit that a field stands for; null where the plan has none, so that nothing is limited. */
export function limitOf(plan: PlanInput, field: LimitField): LimitInput | null {
  return plan.limits.find((limit) => isOf(limit, field)) ?? null;
}

/** Id of a limit as `GET /v1/limits` has it. */
export function limitIdOf(limit: LimitInput): string {
  return limit.id ?? `${limit.meter}/${limit.window}`;
}

export type ShownLimits = Readonly<Record<LimitFieldName, number>> & {
  readonly _zero_means: Readonly<Record<LimitFieldName, ZeroMeaning>>;
};

function valueOf(plan: PlanInput, field: LimitField): readonly [number, ZeroMeaning] {
  const limit = limitOf(plan, field);
  if (limit === null || limit.amount === 'unlimited') return [0, 'unlimited'];
  if (limit.amount === 'disabled') return [0, 'disabled'];
  const amount = parseMeterAmount(field.meter, limit.amount, 'amount');
  return [meterAmountAsNumber(field.meter, amount), 'limited'];
}

/** The limits of a plan in ALwrity's shape. */
export function showPlanLimits(plan: PlanInput): ShownLimits {
  const values = LIMIT_FIELDS.map((field) => [field.name, valueOf(plan, field)] as const);
  const amounts = Object.fromEntries(values.map(([name, [amount]]) => [name, amount]));
  const meanings = Object.fromEntries(values.map(([name, [, meaning]]) => [name, meaning]));
  return {
    ...(amounts as Record<LimitFieldName, number>),
    _zero_means: meanings as Record<LimitFieldName, ZeroMeaning>,
  };
}

/** What of a report grouped by provider and operation a field counts, as a JSON number in the meter's own unit. */
export function usedBy(field: LimitField, report: Pick<UsageReport, 'groups'>): number {
  const matches = field.operation === undefined ? null : compileGlob(field.operation);
  let sum = 0n;
  for (const { key, totals } of report.groups) {
    if (field.provider !== undefined && key['provider'] !== field.provider) continue;
    if (matches !== null && !matches(key['operation'] ?? '')) continue;
    sum += totals[field.meter] ?? 0n;
  }
  return meterAmountAsNumber(field.meter, sum);
}
