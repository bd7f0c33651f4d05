/**
 * What one more SSE chunk costs: the difference of a long and a short stream, in which the fixed cost of
 * a call cancels out.
 *
 * @module
 */
import type { CpuSample } from './measure.ts';
import { SCENARIOS, type ScenarioId } from './workload.ts';

/** Chunks that the long stream has more than the short one. */
export const EXTRA_CHUNKS = SCENARIOS.long.chunks - SCENARIOS.stream.chunks;

/**
 * Marginal CPU microseconds per chunk, one for each round in which both streams were measured; empty
 * where one of the two was left out. A round disturbed by other programs can give a value at or below 0.
 */
export function marginalChunkCosts(cpu: ReadonlyMap<ScenarioId, readonly CpuSample[]>): number[] {
  const short = cpu.get('stream') ?? [];
  return (cpu.get('long') ?? []).flatMap((sample, round) => {
    const base = short[round];
    return base === undefined
      ? []
      : [(sample.cpuUsPerRequest - base.cpuUsPerRequest) / EXTRA_CHUNKS];
  });
}

/** False when noise exceeded the difference in some round: a ratio of such figures would mean nothing. */
export function isMeasurable(costs: readonly number[]): boolean {
  return costs.length > 0 && costs.every((cost) => cost > 0);
}
