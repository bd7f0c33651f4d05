/**
 * Jobs that make clips, as OpenAI shows them.
 *
 * @module
 */
import { formatUsd } from '../../../contracts/money.ts';
import { thawTerms } from '../../../gateway/jobs/job-terms.ts';
import { percentOf, type AssetAddresses } from '../../../gateway/jobs/show-job.ts';
import type { JobRecord, JobState } from '../../../metering/job-port.ts';

const STATUS: Readonly<Record<JobState, string>> = {
  queued: 'queued',
  running: 'in_progress',
  unknown: 'in_progress',
  succeeded: 'completed',
  failed: 'failed',
  expired: 'failed',
  cancelled: 'cancelled',
};

function secondsOf(atMs: number | null): number | null {
  return atMs === null ? null : Math.floor(atMs / 1000);
}

export function showVideo(
  job: JobRecord,
  at: { readonly nowMs: number; readonly addresses: AssetAddresses },
): Readonly<Record<string, unknown>> {
  const { video } = thawTerms(job.terms).spec;
  const [output] = job.outputs;
  return {
    id: job.id,
    object: 'video',
    model: job.modelAsked,
    operation: job.operation.slice('video.'.length),
    status: STATUS[job.state],
    progress: percentOf(job, at.nowMs),
    created_at: secondsOf(job.createdAtMs),
    completed_at: job.state === 'succeeded' ? secondsOf(job.endedAtMs) : null,
    expires_at: secondsOf(job.expiresAtMs),
    seconds: video?.seconds === undefined ? null : String(video.seconds),
    size: video?.size ?? video?.resolution ?? null,
    prompt: null,
    remixed_from_video_id: null,
    error: job.error,
    url: output === undefined ? null : (at.addresses.get(output.assetId) ?? null),
    usage: { cost: job.costNanoUsd === null ? null : formatUsd(job.costNanoUsd) },
  };
}
