/**
 * A provider that writes down what it hears.
 *
 * @module
 */
import { errorTests, simulatorFamily, type ProviderKind } from '../provider-kind.ts';
import type { ProviderNames } from '../names.ts';

/** Replies, and the capability. */
const READING = `function readTranscript(reply: WireReply, options: TranscriptionOptions): TranscriptionResult {
  const body = jsonObjectOf(reply);
  if ('error' in body) throw new ProviderFailureError(failureOf(500, body));
  const text = textOf(body['text']);
  if (text === null) throw malformed('The provider sent no transcript.');
  const duration = secondsOf(body['duration']);
  return {
    text,
    language: textOf(body['language']) ?? options.language,
    duration: duration === 0 ? null : duration,
    segments: null,
    words: null,
    reported: null,
    // As the provider counted it, else as it was measured.
    usage: { audio_ms: duration === 0 ? options.durationMs : Math.ceil(duration * MS) },
    modelServed: null,
    dimensions: {},
  };
}

export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    const { audio, language, prompt, temperature, timestamps, speakers } = options;
    if (options.task === 'translate') {
      throw new GatewayError('invalid_request', {
        message: \`\${target.model.slice(0, 100)} does not translate.\`,
        param: 'model',
      });
    }
    const model = modelOf(target, 'audio.transcribe');
    const asked = {
      language,
      prompt,
      temperature,
      timestamp_granularities: timestamps[0] ?? null,
      speakers: speakers ? true : null,
    };
    const { values, warnings } = checkMediaOptions(model, asked, ESSENTIAL);
    const query = new URLSearchParams({ ...options.extra, model: target.model });
    for (const [name, value] of Object.entries(values)) query.set(name, String(value));
    return {
      request: post(target, \`/transcripts?\${query.toString()}\`, {
        type: audio.mediaType,
        bytes: audio.bytes,
      }),
      warnings,
      read: (reply) => readTranscript(reply, options),
    };
  },
};
`;

function codec({ title, documentation }: ProviderNames): string {
  return `/**
 * \`POST /v1/transcripts\` of ${title} (${documentation}): the recording is the body.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type {
  TranscriptionOptions,
  TranscriptionProvider,
  TranscriptionResult,
} from '../../contracts/transcription-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { checkMediaOptions } from '../media-options.ts';
import { textOf } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed, secondsOf } from '../replies.ts';
import { failureOf } from './errors.ts';
import { modelOf, post } from './request.ts';

const MS = 1000;
/** Without these something else would be written than was asked for. */
const ESSENTIAL: ReadonlySet<string> = new Set(['timestamp_granularities', 'speakers']);

${READING}`;
}

function adapterTest(names: ProviderNames): string {
  const { constant } = names;
  return `import { expect, test } from 'vitest';
import { describeMediaProvider } from '../media.contract.ts';
import { ${constant} } from './provider.ts';

describeMediaProvider({
  definition: ${constant},
  inBandError: { error: { code: 'internal', message: 'x' } },
  transcribe: {
    model: 'listener',
    options: {
      audio: { bytes: Buffer.from('RIFF'), mediaType: 'audio/wav', fileName: 'a.wav' },
      durationMs: 3700,
      task: 'transcribe',
      language: null,
      prompt: null,
      temperature: null,
      timestamps: [],
      speakers: false,
      extra: {},
    },
    variants: [{ language: 'de' }, { prompt: 'ALwrity' }, { temperature: 0.2 }],
    reply: { text: 'Hello.', duration: 3.7 },
    usage: { audio_ms: 3700 },
    broken: [{}, { text: 7 }],
    check: ({ text }) => expect(text).toBe('Hello.'),
  },
});

${errorTests(names)}`;
}

function simulator(names: ProviderNames): string {
  const { title, documentation } = names;
  const head = `/**
 * The wire of ${title}: \`POST /v1/transcripts\`. Written from ${documentation} alone.
 *
 * @module
 */
import { bareContext, errorReply, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { hear } from '../media/recording.ts';

const ID_HEADER = 'x-request-id';
const rowOf = usualErrors((code, message) => ({ error: { code, message } }));
const error = errorsFrom(rowOf, ID_HEADER);

function answer(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const headers = { 'content-type': 'application/json', [ID_HEADER]: call.id };
  if (call.body.length === 0) {
    const problem = { code: 'invalid', message: 'there is no recording' };
    return errorReply({ status: 400, body: { error: problem } }, headers);
  }
  const inBand = findFault(faults, 'in-band-error');
  const { text, seconds } = hear(call.body);
  const told = { text, duration: seconds };
  return {
    kind: 'body',
    status: 200,
    headers,
    body: JSON.stringify(inBand === undefined ? told : rowOf(inBand.error).body),
    usage: inBand === undefined ? { ...NO_USAGE, media: { audioSeconds: seconds } } : null,
  };
}
`;
  const route = `route(call) {
    if (call.method !== 'POST' || call.path !== '/v1/transcripts') return null;
    return {
      model: call.query.get('model'),
      stream: false,
      answer: (faults) => answer(call, faults),
    };
  },`;
  return simulatorFamily(names, { head, route });
}

/** Words from sound, answered at once. */
export const transcriptionKind: ProviderKind = {
  members: { 'transcription.ts': ['transcription'] },
  model: `{
    id: 'listener',
    operation: 'audio.transcribe',
    options: {
      file: { type: 'files', max: 1 },
      language: { type: 'text', maxChars: 40 },
    },
    source: SOURCE,
  }`,
  codecs: (names) => ({ 'transcription.ts': codec(names) }),
  test: adapterTest,
  simulator,
  price: { model: 'listener', unit: 'audio_ms' },
};
