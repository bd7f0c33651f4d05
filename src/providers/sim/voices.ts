/**
 * Voices of the built-in simulator: a list, clones, and their removal.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { listOf, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { filePart, textParts } from '../openai-compatible/media/images.ts';
import { malformed } from '../replies.ts';
import { emptyRequest, formRequest, objectReply } from '../openai-compatible/media/server.ts';
import { simMedia } from './media.ts';

export const simVoices: Required<Pick<ProviderDefinition, 'voices' | 'voiceClone'>> = {
  voices: {
    known: null,
    list: (target) => ({
      request: emptyRequest(simMedia, target, { method: 'GET', path: '/audio/voices' }),
      warnings: [],
      read(reply) {
        const { data } = objectReply(reply);
        if (!Array.isArray(data)) throw malformed('The provider sent no list of voices.');
        const voices = listOf(data).flatMap((item) => {
          const { id, name, language, gender } = objectOf(item);
          const known = textOf(id);
          if (known === null) return [];
          return [
            {
              id: known,
              name: textOf(name) ?? known,
              language: textOf(language),
              gender: textOf(gender),
              description: null,
              previewUrl: null,
            },
          ];
        });
        return { voices, usage: {}, modelServed: null, dimensions: {} };
      },
    }),
  },
  voiceClone: {
    cloneVoice({ samples, name, description, text, extra }, target) {
      const files = samples.map((sample) => {
        if (sample.type === 'bytes') return filePart('samples', sample);
        throw new GatewayError('invalid_request', {
          message: 'The simulator takes bytes of samples, and no address.',
          param: 'samples',
        });
      });
      const members = { model: target.model, name, description, text, ...extra };
      const parts = [...textParts(members), ...files];
      return {
        request: formRequest(simMedia, target, { path: '/audio/voices', parts }),
        warnings: [],
        read(reply) {
          const voiceId = textOf(objectReply(reply)['id']);
          if (voiceId === null) throw malformed('The provider named no voice.');
          return {
            voiceId,
            usage: { voice_clones: 1, characters: Array.from(text ?? '').length },
            modelServed: null,
            dimensions: {},
          };
        },
      };
    },
    remove: (voiceId, target) =>
      emptyRequest(simMedia, target, {
        method: 'DELETE',
        path: `/audio/voices/${encodeURIComponent(voiceId)}`,
      }),
  },
};
