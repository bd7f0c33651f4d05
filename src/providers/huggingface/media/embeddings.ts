/**
 * Vectors from hf-inference (https://huggingface.co/docs/inference-providers/tasks/feature-extraction; recorded: one text
 * and one vector, and a model that gives a vector for each token).
 *
 * @module
 */
import type { EmbeddingOptions, EmbeddingProvider } from '../../../contracts/embedding-provider.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import { encodeFloats } from '../../../http/float-vector.ts';
import { checkMediaOptions } from '../../media-options.ts';
import { malformed } from '../../replies.ts';
import { jsonReply, modelPath, ownOptions, postJson } from './exchange.ts';
import { modelFor } from './models.ts';
import { routeOf } from './routes.ts';
import { GatewayError } from '../../../contracts/gateway-error.ts';

function isVector(value: unknown): value is readonly number[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((item) => typeof item === 'number')
  );
}

/** One vector for one text may come without the list around it. */
function vectorsOf(body: unknown, wanted: number): readonly (readonly number[])[] {
  const list: unknown = isVector(body) && wanted === 1 ? [body] : body;
  if (!Array.isArray(list) || list.length !== wanted) {
    throw malformed('The router sent another count of vectors than of texts.');
  }
  return list.map((vector: unknown) => {
    if (isVector(vector)) return vector;
    throw malformed(
      'The model gives no vector for a text as a whole: use one that embeds sentences.',
    );
  });
}

function textsOf({ inputs }: EmbeddingOptions, model: string): readonly string[] {
  return inputs.map((input) => {
    if (typeof input === 'string') return input;
    const message = `${model} embeds texts: tokens of another vocabulary mean nothing to it.`;
    throw new GatewayError('invalid_request', { message, param: 'input' });
  });
}

/** Vectors from texts. */
export const embedding: EmbeddingProvider = {
  embed(options, target) {
    const { named, extra } = ownOptions(options.extra);
    const route = routeOf(target.model, 'text.embed', named);
    const texts = textsOf(options, target.model);
    const asked = { input: texts.length, dimensions: options.dimensions, user: options.user };
    const table = modelFor(target.model, 'text.embed');
    const { warnings } = checkMediaOptions(table, asked, new Set(['dimensions']));
    const read = (reply: WireReply) => {
      const vectors = vectorsOf(jsonReply(reply), texts.length);
      return {
        vectors: options.encoding === 'base64' ? vectors.map(encodeFloats) : vectors,
        usage: { inputs: texts.length },
        modelServed: null,
        dimensions: {},
      };
    };
    return {
      request: postJson(target, {
        path: `/hf-inference/models/${modelPath(route.name)}/pipeline/feature-extraction`,
        members: { inputs: texts, ...extra },
      }),
      warnings,
      read,
    };
  },
};
