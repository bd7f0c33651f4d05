/**
 * A provider that speaks.
 *
 * @module
 */
import { errorTests, simulatorFamily, type ProviderKind } from '../provider-kind.ts';
import type { ProviderNames } from '../names.ts';

function codec({ title, documentation }: ProviderNames): string {
  return `/**
 * \`POST /v1/speech\` of ${title} (${documentation}): its reply is the sound.
 *
 * @module
 */
import { SPEECH_MEDIA_TYPES, type SpeechProvider } from '../../contracts/speech-provider.ts';
import { checkMediaOptions } from '../media-options.ts';
import { charactersOf } from '../replies.ts';
import { modelOf, postJson } from './request.ts';

/** Without these something else would be heard than was asked for. */
const ESSENTIAL: ReadonlySet<string> = new Set(['input', 'voice', 'response_format']);

export const speech: SpeechProvider = {
  speak(options, target) {
    const { text, voice, format, speed, instructions } = options;
    const model = modelOf(target, 'audio.speech');
    const asked = { input: text, voice, response_format: format, speed, instructions };
    const { values, warnings } = checkMediaOptions(model, asked, ESSENTIAL);
    return {
      // Last: what decides the price is not for the caller's own options to change.
      request: postJson(target, '/speech', { ...options.extra, ...values, model: target.model }),
      warnings,
      mediaType: SPEECH_MEDIA_TYPES[format],
      facts: { usage: { characters: charactersOf(text) }, modelServed: null, dimensions: {} },
    };
  },
};
`;
}

function adapterTest(names: ProviderNames): string {
  const { constant } = names;
  return `import { expect, test } from 'vitest';
import { describeMediaProvider } from '../media.contract.ts';
import { ${constant} } from './provider.ts';

describeMediaProvider({
  definition: ${constant},
  inBandError: { error: { code: 'internal', message: 'x' } },
  speak: {
    model: 'voice',
    options: {
      text: 'Hello.',
      voice: 'anna',
      instructions: null,
      format: 'mp3',
      speed: null,
      extra: {},
    },
    variants: [{ text: 'Bye.' }, { format: 'wav' }, { speed: 1.5 }, { instructions: 'softly' }],
    usage: { characters: 6 },
  },
});

${errorTests(names)}`;
}

function simulator(names: ProviderNames): string {
  const { title, documentation } = names;
  const head = `/**
 * The wire of ${title}: \`POST /v1/speech\`. Written from ${documentation} alone.
 *
 * @module
 */
import { bareContext, errorReply, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { numberOf, objectOf, stringOf } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { silentMp3, speechMs, tonePcm, wavOf } from '../media/sound.ts';

const ID_HEADER = 'x-request-id';
const error = errorsFrom(
  usualErrors((code, message) => ({ error: { code, message } })),
  ID_HEADER,
);

function answer(call: SimulatedCall): SimulatedReply {
  const body = objectOf(call.json);
  const text = stringOf(body['input']) ?? '';
  if (text === '') {
    const problem = { code: 'invalid', message: 'input is missing' };
    const headers = { 'content-type': 'application/json', [ID_HEADER]: call.id };
    return errorReply({ status: 400, body: { error: problem } }, headers);
  }
  const durationMs = speechMs(text, numberOf(body['speed']) ?? 1);
  const isWav = stringOf(body['response_format']) === 'wav';
  const seed = \`\${call.seed}/\${text}\`;
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': isWav ? 'audio/wav' : 'audio/mpeg', [ID_HEADER]: call.id },
    body: isWav ? wavOf(tonePcm(durationMs, seed)) : silentMp3(durationMs),
    usage: { ...NO_USAGE, media: { characters: Array.from(text).length } },
  };
}
`;
  const route = `route(call) {
    if (call.method !== 'POST' || call.path !== '/v1/speech') return null;
    const model = stringOf(objectOf(call.json)['model']);
    return { model, stream: false, answer: () => answer(call) };
  },`;
  return simulatorFamily(names, { head, route });
}

/** Sound from words, as it comes. */
export const speechKind: ProviderKind = {
  members: { 'speech.ts': ['speech'] },
  model: `{
    id: 'voice',
    operation: 'audio.speech',
    options: {
      input: { type: 'text', maxChars: 5000 },
      voice: { type: 'one_of', values: ['anna', 'ben'] },
      response_format: { type: 'one_of', values: ['mp3', 'wav'] },
      speed: { type: 'range', min: 0.5, max: 2 },
    },
    source: SOURCE,
  }`,
  codecs: (names) => ({ 'speech.ts': codec(names) }),
  test: adapterTest,
  simulator,
  price: { model: 'voice', unit: 'characters' },
};
