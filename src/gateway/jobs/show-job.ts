/**
 * A job as the API shows it.
 *
 * @module
 */
import { formatUsd } from '../../contracts/money.ts';
import { isEnded, type JobRecord } from '../../metering/job-port.ts';

/** Signed addresses of assets, by id; absent where one is gone. */
export type AssetAddresses = ReadonlyMap<string, string>;

function timeText(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** Whole percent; where the provider says none, a guess by time that is never the end. */
export function percentOf(job: JobRecord, nowMs: number): number {
  if (job.state === 'succeeded') return 100;
  if (job.progress !== null) return Math.min(99, Math.floor(job.progress * 100));
  if (job.state !== 'running' || job.startedAtMs === null) return 0;
  // Half after a minute, three quarters after two …
  const minutes = Math.max(0, (job.endedAtMs ?? nowMs) - job.startedAtMs) / 60_000;
  return Math.min(95, Math.floor(100 * (1 - 0.5 ** minutes)));
}

/** The members of a job. */
export function showJob(
  job: JobRecord,
  at: { readonly nowMs: number; readonly addresses: AssetAddresses },
): Readonly<Record<string, unknown>> {
  return {
    id: job.id,
    object: 'job',
    operation: job.operation,
    model: job.modelAsked,
    provider: job.provider,
    status: job.state,
    version: job.version,
    progress: percentOf(job, at.nowMs),
    progress_estimated: job.progress === null && !isEnded(job.state),
    created_at: timeText(job.createdAtMs),
    started_at: timeText(job.startedAtMs),
    finished_at: timeText(job.endedAtMs),
    deadline_at: timeText(job.deadlineAtMs),
    expires_at: timeText(job.expiresAtMs),
    cancel_requested_at: timeText(job.cancelAskedAtMs),
    request_id: job.requestId,
    simulated: job.simulated,
    outputs: job.outputs.map(({ assetId, type, bytes }) => ({
      asset_id: assetId,
      url: at.addresses.get(assetId) ?? null,
      content_type: type,
      bytes,
    })),
    result: job.result === null ? null : (JSON.parse(job.result) as unknown),
    error: job.error,
    usage: job.usage,
    cost: job.costNanoUsd === null ? null : formatUsd(job.costNanoUsd),
    warnings: job.warnings,
    tags: job.tags,
  };
}
