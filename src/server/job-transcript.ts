/**
 * The transcript that a job has made, in every form that transcripts are asked for in.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { TranscriptFormat } from '../dialects/openai/audio/transcript-reply.ts';
import { TIMED_FORMATS, transcriptBody } from '../dialects/openai/audio/transcript-reply.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { thawTerms } from '../gateway/jobs/job-terms.ts';
import { keptTranscript } from '../gateway/jobs/shown-transcript.ts';
import { isEnded, type JobRecord } from '../metering/job-port.ts';
import { sendJson } from './self-service.ts';

/**
 * Sends it.
 *
 * @throws GatewayError `conflict` while it is made, `not_found` where the job made none, `invalid_request` for a form that wants to
 *   know when each part was said, where that is not known
 */
export function sendTranscript(
  gateway: Gateway,
  exchange: Exchange,
  { job, format }: { readonly job: JobRecord; readonly format: TranscriptFormat },
): void {
  if (!isEnded(job.state)) {
    throw new GatewayError('conflict', { message: `The job ${job.id} has not ended yet.` });
  }
  const transcript = keptTranscript(job);
  if (transcript === null) {
    throw new GatewayError('not_found', { message: `The job ${job.id} has made no transcript.` });
  }
  const { segments, words } = transcript;
  if (segments === null && TIMED_FORMATS.has(format)) {
    throw new GatewayError('invalid_request', {
      message: `The transcript says nothing of times, which ${format} needs: ask for it in that form when it is made.`,
      param: 'response_format',
    });
  }
  const seconds = thawTerms(job.terms).spec.audio?.seconds ?? 0;
  const body = transcriptBody(transcript, {
    format,
    task: job.operation === 'audio.translate' ? 'translate' : 'transcribe',
    durationMs: seconds * 1000,
    words: words !== null,
    segments: segments !== null,
  });
  if (typeof body === 'object') {
    sendJson(gateway, exchange, body);
    return;
  }
  exchange.send(200, ['content-type', 'text/plain; charset=utf-8'], Buffer.from(body));
}
