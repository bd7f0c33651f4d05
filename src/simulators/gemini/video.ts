/**
 * Veo: `:predictLongRunning`, its operation and the download of its clip (https://ai.google.dev/gemini-api/docs/video;
 * recorded from end to end with veo-3.1-lite-generate-preview: no `done` while it runs, a redirect before the file).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { BoardJob } from '../core/job-board.ts';
import { resultFault } from '../core/job-board.ts';
import { listOf, numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { NO_USAGE, type BodyReply, type SimulatedReply } from '../core/reply.ts';
import { simulatedMp4 } from '../media/mp4.ts';
import { geminiError, invalidArgument } from './errors.ts';

const SIDES: Readonly<Record<string, number>> = { '720p': 720, '1080p': 1080, '4k': 2160 };
const LENGTHS: readonly number[] = [4, 6, 8];

function jsonReply(value: object): BodyReply {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json; charset=UTF-8' },
    body: `${JSON.stringify(value, null, 2)}\n`,
    usage: null,
  };
}

interface Asked {
  readonly prompt: string;
  readonly seconds: number;
  readonly width: number;
  readonly height: number;
}

function askedOf(body: JsonObject): Asked | SimulatedReply {
  const [instance] = listOf(body['instances']);
  const parameters = objectOf(body['parameters']);
  const prompt = stringOf(objectOf(instance)['prompt']) ?? '';
  const seconds = numberOf(parameters['durationSeconds']) ?? 8;
  const resolution = stringOf(parameters['resolution']) ?? '720p';
  const ratio = stringOf(parameters['aspectRatio']) ?? '16:9';
  const side = SIDES[resolution];
  const hasPicture = objectOf(instance)['image'] !== undefined;
  if (prompt === '' && !hasPicture) return invalidArgument('`prompt` is missing.', 'instances');
  if (!LENGTHS.includes(seconds)) {
    const message = `The number value for \`durationSeconds\` is out of bound. Please provide a value between 4 and 8, inclusive.`;
    return invalidArgument(message, 'durationSeconds');
  }
  if (side === undefined || (side > 720 && seconds !== 8)) {
    return invalidArgument(`Resolution ${resolution} is not supported.`, 'resolution');
  }
  if (ratio !== '16:9' && ratio !== '9:16') {
    return invalidArgument(`\`${ratio}\` isn't supported by this model.`, 'aspectRatio');
  }
  const long = Math.round((side * 16) / 9);
  return ratio === '16:9'
    ? { prompt, seconds, width: long, height: side }
    : { prompt, seconds, width: side, height: long };
}

function submit(call: SimulatedCall, model: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer() {
      const asked = askedOf(objectOf(call.json));
      if ('kind' in asked) return asked;
      const { prompt, seconds, width, height } = asked;
      const make = () => ({
        bytes: simulatedMp4(
          { width, height, durationMs: seconds * 1000 },
          `${call.seed}/${prompt}`,
        ),
        type: 'video/mp4',
      });
      const job = call.jobs.submit({
        family: 'gemini',
        model,
        operation: 'video',
        prompt,
        reference: null,
        usage: { ...NO_USAGE, media: { clips: 1, videoSeconds: seconds } },
        files: [make],
        result: null,
        webhook: null,
      });
      return jsonReply({ name: `models/${model}/operations/${job.id}` });
    },
  };
}

function missing(call: SimulatedCall, model: string | null): BodyReply {
  const wait = { form: 'none' } as const;
  return geminiError('not_found', { model, status: null, wait, nowMs: 0, callId: call.id });
}

/** How work ended: with a clip, with none that may be shown, or with an error. */
function endOf(call: SimulatedCall, job: BoardJob): object {
  if (job.state === 'failed') {
    return { error: { code: 13, message: 'The simulated work failed.', status: 'INTERNAL' } };
  }
  const origin = `http://${call.headers.host ?? 'localhost'}${call.prefix}`;
  const uri = `${origin}/v1beta/files/${job.id}:download?alt=media`;
  const isWithheld = resultFault(job.prompt) === 'withheld';
  return {
    response: {
      '@type': 'type.googleapis.com/google.ai.generativelanguage.v1beta.PredictLongRunningResponse',
      generateVideoResponse: isWithheld
        ? { raiMediaFilteredCount: 1, raiMediaFilteredReasons: ['Simulated: this is withheld.'] }
        : { generatedSamples: [{ video: { uri } }] },
    },
  };
}

function look(call: SimulatedCall, model: string, id: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      if (job === null) return missing(call, model);
      const name = `models/${model}/operations/${id}`;
      const isOver = job.state === 'succeeded' || job.state === 'failed';
      return jsonReply(isOver ? { name, done: true, ...endOf(call, job) } : { name });
    },
  };
}

/** With the key it is moved to where anybody may have it, for a while. */
function download(call: SimulatedCall, id: string, isMoved: boolean): FamilyRoute {
  return {
    model: null,
    stream: false,
    answer() {
      const job = call.jobs.get(id);
      const make = job?.files[0];
      if (job === null || make === undefined || job.state !== 'succeeded')
        return missing(call, null);
      if (isMoved) {
        const { bytes, type } = make();
        const headers = { 'content-type': type, 'content-disposition': 'attachment' };
        return { kind: 'body', status: 200, headers, body: bytes, usage: null };
      }
      if (call.headers['x-goog-api-key'] === undefined) {
        const wait = { form: 'none' } as const;
        const context = { model: null, status: null, wait, nowMs: 0, callId: call.id };
        return geminiError('forbidden', context);
      }
      const origin = `http://${call.headers.host ?? 'localhost'}${call.prefix}`;
      return {
        kind: 'body',
        status: 302,
        headers: {
          location: `${origin}/download/v1beta/files/${id}:download?alt=media`,
          'content-type': 'application/json; charset=UTF-8',
        },
        body: JSON.stringify({
          error: { code: 302, message: 'Unknown Error.', status: 'UNKNOWN' },
        }),
        usage: null,
      };
    },
  };
}

/** The route of a call about clips; null for any other. */
export function videoRoute(call: SimulatedCall): FamilyRoute | null {
  const { method, path } = call;
  const [, asked] = /^\/v1beta\/models\/([\w.-]+):predictLongRunning$/.exec(path) ?? [];
  if (asked !== undefined) return method === 'POST' ? submit(call, asked) : null;
  if (method !== 'GET') return null;
  const [, model, id] = /^\/v1beta\/models\/([\w.-]+)\/operations\/([\w-]+)$/.exec(path) ?? [];
  if (model !== undefined && id !== undefined) return look(call, model, id);
  const [, moved, file] = /^(\/download)?\/v1beta\/files\/([\w-]+):download$/.exec(path) ?? [];
  return file === undefined ? null : download(call, file, moved !== undefined);
}
