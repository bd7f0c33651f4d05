/**
 * Brings one plan of a gateway to what a file says.
 *
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { PlanInput } from '../contracts/metering.ts';
import { CliError } from './cli-error.ts';
import { parseReply, type GatewayClient } from './client.ts';
import { planReply, type PlanReply } from './replies.ts';

export interface AppliedPlan {
  readonly id: string;
  readonly result: 'created' | 'versioned' | 'unchanged';
  /** Version in force for new subscriptions afterwards. */
  readonly version: number;
  /** Members that differed; empty for a new plan. */
  readonly changed: readonly string[];
}

/** Members that a version takes over when they are left out, so that their absence has to be said as null. */
const REMOVABLE = ['price_usd', 'models', 'features', 'max_quote_ttl_s'] as const;
/** Members that cannot be removed again: their absence in the file means their default. */
const DEFAULTS = { funding: 'plan', on_metering_outage: 'strict' } as const;
const OF_THE_RECORD: readonly string[] = ['version', 'created_at', 'id'];

type Members = Readonly<Record<string, unknown>>;

function sameAmounts(limits: readonly Members[]): readonly Members[] {
  return limits.map((limit) => ({
    ...limit,
    // The same id that the gateway gives a limit without one.
    id: limit['id'] ?? `${String(limit['meter'])}/${String(limit['window'])}`,
    amount: String(limit['amount']),
  }));
}

function comparable(plan: PlanInput | PlanReply): Members {
  const { limits, ...rest } = plan;
  const members = Object.fromEntries(
    Object.entries(rest).filter(([name]) => !OF_THE_RECORD.includes(name)),
  );
  return { ...DEFAULTS, ...members, limits: sameAmounts(limits) };
}

function differences(current: PlanReply, wanted: PlanInput): readonly string[] {
  const before = comparable(current);
  const after = comparable(wanted);
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => !isDeepStrictEqual(before[name], after[name]));
}

/** The plan in its newest version; null where there is none. */
export async function findPlan(client: GatewayClient, id: string): Promise<PlanReply | null> {
  try {
    return parseReply(planReply, await client.admin('GET', `/plans/${encodeURIComponent(id)}`));
  } catch (error) {
    if (error instanceof CliError && error.code === 'not_found') return null;
    throw error;
  }
}

/** The body that makes the plan what is wanted, whatever it has now. */
export function versionBody(current: PlanReply, wanted: PlanInput): Members {
  const removed = Object.fromEntries(
    REMOVABLE.filter((name) => wanted[name] === undefined && current[name] !== undefined).map(
      (name) => [name, null],
    ),
  );
  return { ...DEFAULTS, ...wanted, ...removed };
}

/** Creates the plan, makes its next version, or leaves it when it is as wanted. */
export async function applyPlan(
  client: GatewayClient,
  wanted: PlanInput,
  options: { readonly now: boolean; readonly dryRun: boolean },
): Promise<AppliedPlan> {
  const current = await findPlan(client, wanted.id);
  if (current === null) {
    const made: AppliedPlan = { id: wanted.id, result: 'created', version: 1, changed: [] };
    if (!options.dryRun) await client.admin('POST', '/plans', { body: wanted });
    return made;
  }
  const changed = differences(current, wanted);
  if (changed.length === 0) {
    return { id: wanted.id, result: 'unchanged', version: current.version, changed };
  }
  if (options.dryRun) {
    return { id: wanted.id, result: 'versioned', version: current.version + 1, changed };
  }
  const body = { ...versionBody(current, wanted), ...(options.now ? { apply: 'now' } : {}) };
  const path = `/plans/${encodeURIComponent(wanted.id)}/versions`;
  const version = parseReply(planReply, await client.admin('POST', path, { body })).version;
  return { id: wanted.id, result: 'versioned', version, changed };
}
