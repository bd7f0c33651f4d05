/**
 * `GET /v1/voices` and `POST /v1/voices/add` (https://elevenlabs.io/docs/api-reference/voices/get-all, …/voices/ivc/create; no recorded
 * traffic): the account's voices, and one made of recordings.
 *
 * @module
 */
import type { MediaInput, SentMedia } from '../../contracts/media.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type {
  Voice,
  VoiceCloneProvider,
  VoiceList,
  VoiceListProvider,
} from '../../contracts/voice-provider.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { checkMediaOptions } from '../media-options.ts';
import { objectOf, textOf, type LooseObject } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed } from '../replies.ts';
import { failureOf } from './errors.ts';
import { CLONE_MODEL, tableOf } from './models.ts';
import { formRequest, headersOf, refusal, textParts, VERSION_SEGMENT } from './request.ts';

function objectReply(reply: WireReply): LooseObject {
  const body = jsonObjectOf(reply);
  if ('detail' in body) throw new ProviderFailureError(failureOf(500, body));
  return body;
}

function voiceOf(item: unknown): Voice | null {
  const { voice_id: id, name, labels, description, preview_url: preview } = objectOf(item);
  const found = textOf(id);
  if (found === null) return null;
  const { language, gender } = objectOf(labels);
  return {
    id: found,
    name: textOf(name) ?? found,
    language: textOf(language),
    gender: textOf(gender),
    description: textOf(description),
    previewUrl: textOf(preview),
  };
}

function readVoices(reply: WireReply): VoiceList {
  const { voices } = objectReply(reply);
  if (!Array.isArray(voices)) throw malformed('ElevenLabs sent no list of voices.');
  return {
    voices: voices.flatMap((voice) => voiceOf(voice) ?? []),
    usage: {},
    modelServed: null,
    dimensions: {},
  };
}

export const voices: VoiceListProvider = {
  known: null,
  list: (target) => ({
    request: {
      method: 'GET',
      path: `${VERSION_SEGMENT}/voices`,
      headers: headersOf(target, 'application/json'),
      body: null,
    },
    warnings: [],
    read: readVoices,
  }),
};

function bytesOf(sample: SentMedia): MediaInput {
  if (sample.type === 'bytes') return sample;
  throw refusal('samples', 'ElevenLabs fetches no addresses: send the recording itself.');
}

export const voiceClone: VoiceCloneProvider = {
  cloneVoice(options, target) {
    const { name, description, samples, text, extra } = options;
    const { warnings } = checkMediaOptions(
      tableOf(CLONE_MODEL, CLONE_MODEL),
      { name, description, samples: samples.length, text },
      new Set(['samples', 'name']),
    );
    const files = samples.map(bytesOf).map(({ bytes, fileName, mediaType }) => ({
      name: 'files',
      bytes,
      fileName,
      mediaType,
    }));
    return {
      request: formRequest(target, '/voices/add', [
        ...textParts({ ...extra, name, description }),
        ...files,
      ]),
      warnings,
      read(reply) {
        const voiceId = textOf(objectReply(reply)['voice_id']);
        if (voiceId === null) throw malformed('ElevenLabs made a voice without an id.');
        return { voiceId, usage: { voice_clones: 1 }, modelServed: null, dimensions: {} };
      },
    };
  },
};
