/**
 * A provider of clips: each is submitted, followed and fetched.
 *
 * @module
 */
import { errorTests, simulatorFamily, type ProviderKind } from '../provider-kind.ts';
import type { ProviderNames } from '../names.ts';

function submissions({ title, documentation }: ProviderNames): string {
  return `/**
 * \`POST /v1/clips\` of ${title} (${documentation}): a promise, to be followed.
 *
 * @module
 */
import type { JobExchange } from '../../contracts/job-provider.ts';
import type { VideoProvider } from '../../contracts/video-provider.ts';
import { askedOfVideo, ESSENTIAL_OF_VIDEOS } from '../asked-options.ts';
import { checkMediaOptions } from '../media-options.ts';
import { readStart } from './jobs.ts';
import { MODELS } from './models.ts';
import { modelOf, postJson } from './request.ts';

const MS = 1000;
/** Where nothing is said. */
const SECONDS = 5;

export const video: VideoProvider = {
  has: (operation, model) => MODELS.some((one) => one.operation === operation && one.id === model),
  start(options, target): JobExchange {
    const model = modelOf(target, options.operation);
    const { values, warnings } = checkMediaOptions(
      model,
      askedOfVideo(options),
      ESSENTIAL_OF_VIDEOS,
    );
    const seconds = Number(values['seconds'] ?? SECONDS);
    return {
      // Last: what decides the price is not for the caller's own options to change.
      request: postJson(target, '/clips', {
        ...options.extra,
        ...values,
        seconds,
        model: target.model,
      }),
      warnings,
      facts: {
        usage: { video_clips: 1, video_ms: seconds * MS },
        modelServed: null,
        dimensions: { seconds: String(seconds) },
      },
      readStart,
    };
  },
};
`;
}

function following({ title, documentation }: ProviderNames): string {
  return `/**
 * How clips of ${title} are followed: \`GET /v1/clips/{id}\` → \`{id, state, url, error}\` (${documentation}).
 *
 * @module
 */
import type {
  JobProtocol,
  JobReading,
  JobStart,
  ProviderTicket,
} from '../../contracts/job-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { textOf, type LooseObject } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed } from '../replies.ts';
import { failureOf } from './errors.ts';
import { get } from './request.ts';

const ID = /^[\\w-]{1,128}$/;

function ticketOf(body: LooseObject): ProviderTicket {
  const id = textOf(body['id']);
  if (id === null || !ID.test(id)) throw malformed('The provider accepted work without an id.');
  return { id, paths: { poll: \`/v1/clips/\${id}\` } };
}

/** How the work stands. A state never seen before is work that goes on: the deadline bounds it. */
function readingOf(body: LooseObject): JobReading {
  switch (textOf(body['state'])) {
    case null:
      throw malformed('The provider tells of work without its state.');
    case 'done': {
      const url = textOf(body['url']);
      if (url === null || !URL.canParse(url)) throw malformed('The provider made no clip.');
      const output = {
        bytes: null,
        url,
        needsCredential: false,
        mediaType: 'video/mp4',
        isFlagged: null,
      };
      return { type: 'succeeded', result: { outputs: [output], transcript: null, facts: null } };
    }
    case 'failed':
      return { type: 'failed', failure: failureOf(500, body), isBilled: false };
    default:
      return {
        type: 'pending',
        stage: body['state'] === 'queued' ? 'queued' : 'running',
        progress: null,
        ticket: null,
        waitMs: null,
      };
  }
}

/** The reply to a submission. @throws ProviderFailureError for what is none: the work may run */
export function readStart(reply: WireReply): JobStart {
  const body = jsonObjectOf(reply);
  const ticket = ticketOf(body);
  return { type: 'accepted', ticket, reading: readingOf(body) };
}

export const jobs: JobProtocol = {
  pollEveryMs: { min: 1000, usual: 3000 },
  poll: ({ paths }, target) => get(target, paths['poll'] ?? ''),
  readPoll: (_ticket, reply) => readingOf(jsonObjectOf(reply)),
};
`;
}

function adapterTest(names: ProviderNames): string {
  const { constant } = names;
  return `import { expect, test } from 'vitest';
import { describeJobProvider } from '../job.contract.ts';
import { CLIP, job } from '../media-samples.contract.ts';
import { ${constant} } from './provider.ts';

describeJobProvider({
  definition: ${constant},
  model: 'clip',
  start: (target) => job(${constant}.video?.start({ ...CLIP, seconds: 5 }, target)),
  usage: { video_clips: 1, video_ms: 5000 },
  startReply: { id: 'c1', state: 'queued' },
  stages: [
    { name: 'queued', reply: { id: 'c1', state: 'queued' }, reading: 'pending', stage: 'queued' },
    { name: 'running', reply: { id: 'c1', state: 'running' }, reading: 'pending', stage: 'running' },
    {
      name: 'done',
      reply: { id: 'c1', state: 'done', url: 'https://files.example/c1.mp4' },
      reading: 'succeeded',
    },
    {
      name: 'failed',
      reply: { id: 'c1', state: 'failed', error: { code: 'internal', message: 'x' } },
      reading: 'failed',
    },
  ],
  unknownState: { id: 'c1', state: 'warming-up' },
  broken: [{}, { id: 'c1' }, { id: 'c1', state: 'done' }, { id: 'c1', state: 'done', url: 'x' }],
});

${errorTests(names)}`;
}

/** Submissions and their states. */
const WIRE = `function headersOf(call: SimulatedCall): Record<string, string> {
  return { 'content-type': 'application/json', [ID_HEADER]: call.id };
}

function reply(call: SimulatedCall, value: object): SimulatedReply {
  const body = JSON.stringify(value);
  return { kind: 'body', status: 200, headers: headersOf(call), body, usage: null };
}

function refusal(call: SimulatedCall, status: number, message: string): SimulatedReply {
  return errorReply({ status, body: { error: { code: 'invalid', message } } }, headersOf(call));
}

function shown(call: SimulatedCall, job: BoardJob): JsonObject {
  const origin = \`http://\${call.headers.host ?? 'localhost'}\${call.prefix}\`;
  const made = job.state === 'succeeded' ? { url: \`\${origin}/files/\${job.id}/0\` } : {};
  const failed =
    job.state === 'failed' ? { error: { code: 'internal', message: 'The work failed.' } } : {};
  return { id: job.id, state: job.oddState ?? STATE[job.state], ...made, ...failed };
}

function submit(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  const model = stringOf(body['model']);
  return {
    model,
    stream: false,
    answer() {
      const prompt = stringOf(body['prompt']) ?? '';
      const seconds = numberOf(body['seconds']) ?? 5;
      if (model === null || prompt === '') return refusal(call, 400, 'prompt is missing');
      const clip = { width: 1280, height: 720, durationMs: seconds * 1000 };
      const make = () => ({
        bytes: simulatedMp4(clip, \`\${call.seed}/\${prompt}\`),
        type: 'video/mp4',
      });
      const job = call.jobs.submit(
        {
          family: FAMILY,
          model,
          operation: 'clip',
          prompt,
          reference: null,
          usage: { ...NO_USAGE, media: { clips: 1, videoSeconds: seconds } },
          files: [make],
          result: null,
          webhook: null,
        },
        (ended) => JSON.stringify(shown(call, ended)),
      );
      return reply(call, shown(call, job));
    },
  };
}

function look(call: SimulatedCall, id: string): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      return job === null || job.family !== FAMILY
        ? refusal(call, 404, 'there is no such clip')
        : reply(call, shown(call, job));
    },
  };
}
`;

function simulator(names: ProviderNames): string {
  const { id, title, documentation } = names;
  const head = `/**
 * The wire of ${title}: \`POST /v1/clips\`, \`GET /v1/clips/{id}\` and the files. Written from ${documentation} alone.
 *
 * @module
 */
import { bareContext, errorReply, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import type { BoardJob } from '../core/job-board.ts';
import { jobFileRoute } from '../core/job-files.ts';
import { numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { simulatedMp4 } from '../media/mp4.ts';

const FAMILY = '${id}';
const ID_HEADER = 'x-request-id';
const STATE = {
  queued: 'queued',
  running: 'running',
  succeeded: 'done',
  failed: 'failed',
  cancelled: 'failed',
} as const;
const error = errorsFrom(
  usualErrors((code, message) => ({ error: { code, message } })),
  ID_HEADER,
);

${WIRE}`;
  const route = `route(call) {
    const file = jobFileRoute(call, /^\\/files\\/([\\w-]+)\\/(\\d+)$/);
    if (file !== null) return file;
    if (call.method === 'POST') return call.path === '/v1/clips' ? submit(call) : null;
    const one = /^\\/v1\\/clips\\/([\\w-]+)$/.exec(call.path)?.[1];
    return one === undefined ? null : look(call, one);
  },`;
  return simulatorFamily(names, { head, route });
}

/** Clips from words, as work that is followed. */
export const videoJobKind: ProviderKind = {
  members: { 'clips.ts': ['video'], 'jobs.ts': ['jobs'] },
  model: `{
    id: 'clip',
    operation: 'video.text_to_video',
    options: {
      prompt: { type: 'text', maxChars: 4000 },
      seconds: { type: 'one_of', values: [5, 10] },
    },
    source: SOURCE,
  }`,
  codecs: (names) => ({ 'clips.ts': submissions(names), 'jobs.ts': following(names) }),
  test: adapterTest,
  simulator,
  price: { model: 'clip', unit: 'video_ms' },
};
