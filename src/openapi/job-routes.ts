/**
 * The routes of jobs and clips as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';
import {
  jobsQuery,
  videosQuery,
  jobSchema,
  transcriptQuery,
  cancelErrors,
} from '../dialects/jobs/shapes.ts';
import {
  videoFormSchema,
  videoJsonSchema,
  videoReplySchema,
} from '../dialects/openai/videos/schema.ts';
import { CALL_HEADERS, CUSTOMER_HEADERS, PROVIDER_REPLY_HEADERS } from './data-plane-headers.ts';
import type { RouteDescription } from './route-description.ts';

const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
const params = z.object({ id: z.string().describe('`job_…`') });
const video = videoReplySchema.meta({ id: 'Video' });
const job = jobSchema.meta({ id: 'Job' });
const READ_ERRORS: readonly ErrorCode[] = ['invalid_request', 'not_found', 'metering_unavailable'];
const jobs = { tag: 'jobs', access: 'data', headers: CUSTOMER_HEADERS } as const;
const videos = { ...jobs, tag: 'video' } as const;

/** Every route of jobs and clips. */
export function jobRouteDescriptions(errors: readonly ErrorCode[]): readonly RouteDescription[] {
  return [
    {
      ...videos,
      method: 'post',
      path: '/v1/videos',
      operationId: 'createVideo',
      summary: 'Make a clip',
      description:
        'From words, pictures, sound and other clips, by `operation`. The reply is the job as a video; follow it with `GET /v1/videos/{id}`, or as events at `/v1/jobs/{id}/events`.',
      headers: CALL_HEADERS,
      body: {
        schema: videoJsonSchema.meta({ id: 'VideoRequest' }),
        otherContent: {
          'multipart/form-data': { schema: videoFormSchema.meta({ id: 'VideoForm' }) },
        },
        required: true,
        example: { model: 'sim/video', prompt: 'A lighthouse at dusk', seconds: 4 },
      },
      reply: {
        status: 200,
        description: 'Submitted.',
        content: json(video),
        headers: PROVIDER_REPLY_HEADERS,
      },
      errors: [...errors, 'forbidden'],
    },
    {
      ...videos,
      method: 'get',
      path: '/v1/videos',
      operationId: 'listVideos',
      summary: 'List clips, newest first',
      query: videosQuery,
      reply: {
        status: 200,
        description: 'A page.',
        content: json(
          z.object({
            object: z.literal('list'),
            data: z.array(video),
            first_id: z.string().nullable(),
            last_id: z.string().nullable(),
            has_more: z.boolean(),
          }),
        ),
      },
      errors: READ_ERRORS,
    },
    {
      ...videos,
      method: 'get',
      path: '/v1/videos/{id}',
      operationId: 'getVideo',
      summary: 'How a clip stands',
      params,
      reply: { status: 200, description: 'The clip.', content: json(video) },
      errors: READ_ERRORS,
    },
    {
      ...videos,
      method: 'get',
      path: '/v1/videos/{id}/content',
      operationId: 'getVideoContent',
      summary: 'Read the bytes of a clip',
      description: 'Answers `Range`, `If-Range` and `If-None-Match` as assets do.',
      params,
      reply: {
        status: 200,
        description: 'The bytes.',
        content: { 'video/*': { schema: z.string().meta({ format: 'binary' }) } },
      },
      errors: [...READ_ERRORS, 'conflict', 'range_not_satisfiable'],
    },
    {
      ...videos,
      method: 'delete',
      path: '/v1/videos/{id}',
      operationId: 'deleteVideo',
      summary: 'Delete a finished clip and its bytes',
      params,
      reply: {
        status: 200,
        description: 'Deleted.',
        content: json(
          z.object({ id: z.string(), object: z.literal('video.deleted'), deleted: z.literal(true) }),
        ),
      },
      errors: [...READ_ERRORS, 'conflict'],
    },
    {
      tag: 'jobs',
      access: 'public',
      method: 'post',
      path: '/v1/provider-webhooks/{provider}',
      operationId: 'receiveProviderMessage',
      summary: 'Where providers tell how work stands',
      description:
        'Signed by the provider; the secret stands in its settings. A message only wakes whoever follows the work, so repetitions do nothing.',
      params: z.object({ provider: z.string() }),
      query: z.object({ job: z.string().optional() }),
      reply: {
        status: 200,
        description: 'Heard.',
        content: json(z.object({ received: z.literal(true) })),
      },
      errors: ['invalid_request', 'not_found', 'forbidden', 'payload_too_large', 'request_timeout'],
    },
    {
      ...jobs,
      method: 'get',
      path: '/v1/jobs',
      operationId: 'listJobs',
      summary: 'List jobs, newest first',
      query: jobsQuery,
      reply: {
        status: 200,
        description: 'A page.',
        content: json(z.object({ data: z.array(job), next_cursor: z.string().nullable() })),
      },
      errors: READ_ERRORS,
    },
    {
      ...jobs,
      method: 'get',
      path: '/v1/jobs/{id}',
      operationId: 'getJob',
      summary: 'How a job stands',
      params,
      reply: { status: 200, description: 'The job.', content: json(job) },
      errors: READ_ERRORS,
    },
    {
      ...jobs,
      method: 'get',
      path: '/v1/jobs/{id}/events',
      operationId: 'streamJobEvents',
      summary: 'Follow a job as events',
      description:
        'Each event is the whole job; its id is the `version`. `Last-Event-ID` goes on from there. The stream ends with the job.',
      params,
      headers: CUSTOMER_HEADERS.extend({
        'last-event-id': z.string().optional().describe('The last version that was seen.'),
      }),
      reply: {
        status: 200,
        description: 'Events `job.updated`, then `job.<status>`.',
        content: { 'text/event-stream': { schema: z.string() } },
      },
      errors: READ_ERRORS,
    },
    {
      ...jobs,
      method: 'get',
      path: '/v1/jobs/{id}/transcript',
      operationId: 'getJobTranscript',
      summary: 'Read the transcript that a job has made, in any form',
      description:
        'Forms that want to know when each part was said (`srt`, `vtt`, `diarized_json`) need a transcript that was asked for with times.',
      params,
      query: transcriptQuery,
      reply: {
        status: 200,
        description: 'The transcript.',
        content: {
          ...json(z.looseObject({ text: z.string() })),
          'text/plain': { schema: z.string() },
        },
      },
      errors: [...READ_ERRORS, 'conflict'],
    },
    {
      ...jobs,
      method: 'post',
      path: '/v1/jobs/{id}/cancel',
      operationId: 'cancelJob',
      summary: 'Ask for a job to be cancelled',
      description:
        'At its provider, too. Whether it was in time is told by the job; work that a provider bills all the same is charged.',
      params,
      headers: CALL_HEADERS.pick({ 'x-gateway-customer': true, 'Idempotency-Key': true }),
      reply: { status: 200, description: 'Asked for.', content: json(job) },
      errors: cancelErrors,
    },
  ];
}
