/**
 * `POST /embeddings` (https://platform.openai.com/docs/api-reference/embeddings; recorded traffic of
 * text-embedding-3-small and text-embedding-ada-002).
 *
 * @module
 */
import type {
  EmbeddingOptions,
  EmbeddingProvider,
  EmbeddingResult,
} from '../../../contracts/embedding-provider.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import { decodeFloats, encodeFloats } from '../../../http/float-vector.ts';
import { listOf, objectOf, textOf } from '../loose-json.ts';
import { malformed } from '../../replies.ts';
import { countOf, jsonRequest, objectReply, type MediaServer } from './server.ts';

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}

/** In the encoding that was asked for, whichever the server chose. */
function vectorOf(
  value: unknown,
  encoding: EmbeddingOptions['encoding'],
): readonly number[] | string {
  if (typeof value === 'string') {
    if (encoding === 'base64') return value;
    const numbers = decodeFloats(value);
    if (numbers === null) throw malformed('The provider sent half a number.');
    return numbers;
  }
  if (!isNumbers(value) || value.length === 0) {
    throw malformed('The provider sent something that is no vector.');
  }
  return encoding === 'base64' ? encodeFloats(value) : value;
}

function readEmbeddings(reply: WireReply, options: EmbeddingOptions): EmbeddingResult {
  const body = objectReply(reply);
  const wanted = options.inputs.length;
  const vectors: (readonly number[] | string | undefined)[] = Array.from({ length: wanted });
  listOf(body['data']).forEach((item, position) => {
    const { index = position, embedding } = objectOf(item);
    if (typeof index !== 'number' || index < 0 || index >= wanted) {
      throw malformed('The provider sent a vector for an input that there is not.');
    }
    vectors[index] = vectorOf(embedding, options.encoding);
  });
  const whole = vectors.filter((vector) => vector !== undefined);
  if (whole.length !== wanted) throw malformed('The provider sent fewer vectors than inputs.');
  const usage = objectOf(body['usage']);
  const tokens = countOf(usage['prompt_tokens']) || countOf(usage['total_tokens']);
  return {
    vectors: whole,
    usage: { ...(tokens > 0 ? { input_text_tokens: tokens } : {}), inputs: wanted },
    modelServed: textOf(body['model']),
    dimensions: {},
  };
}

/** Vectors from texts. */
export function embeddings(server: MediaServer): EmbeddingProvider {
  return {
    embed(options, target) {
      const { inputs, dimensions, encoding, user, extra } = options;
      const [only] = inputs;
      return {
        request: jsonRequest(server, target, {
          path: '/embeddings',
          members: {
            model: target.model,
            input: inputs.length === 1 ? only : inputs,
            encoding_format: encoding,
            dimensions,
            user,
            ...extra,
          },
        }),
        warnings: [],
        read: (reply) => readEmbeddings(reply, options),
      };
    },
  };
}
