/**
 * `POST /v1/embeddings` (https://platform.openai.com/docs/api-reference/embeddings; recorded text-embedding-3-small).
 *
 * @module
 */
import { findFault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { listOf, numberOf, objectOf, stringOf } from '../core/json.ts';
import { createRandom } from '../core/random.ts';
import type { SimulatedReply } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { jsonReply, mediaUsage, refuse } from './media-reply.ts';

const DEFAULT_LENGTH = 1536;
const LENGTH_MAX = 4096;

/** A text, or its tokens. */
type Input = string | readonly unknown[];

function inputsOf(value: unknown): readonly Input[] {
  if (typeof value === 'string') return value === '' ? [] : [value];
  const items = listOf(value);
  if (items.every((item) => typeof item === 'number')) return items.length === 0 ? [] : [items];
  return items.filter((item): item is Input => typeof item === 'string' || Array.isArray(item));
}

function tokensOf(input: Input): number {
  return typeof input === 'string' ? countTokens(input) : input.length;
}

/** Of unit length; equal inputs give equal vectors. */
function vectorOf(seed: string, input: Input, length: number): Float32Array {
  const random = createRandom(
    seed,
    'embedding',
    typeof input === 'string' ? input : input.join(','),
  );
  const vector = Float32Array.from({ length }, () => random.next() * 2 - 1);
  const norm = Math.hypot(...vector);
  return vector.map((value) => value / norm);
}

function written(vector: Float32Array, encoding: string): string | readonly number[] {
  if (encoding !== 'base64') return Array.from(vector);
  return Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength).toString('base64');
}

export function embeddingsRoute(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  const model = stringOf(body['model']);
  return {
    model,
    stream: false,
    answer(faults): SimulatedReply {
      const inputs = inputsOf(body['input']);
      if (inputs.length === 0)
        return refuse(call, 'input', "Invalid 'input': it must not be empty.");
      const length = numberOf(body['dimensions']) ?? DEFAULT_LENGTH;
      if (length < 1 || length > LENGTH_MAX)
        return refuse(call, 'dimensions', "Invalid 'dimensions'.");
      const encoding = stringOf(body['encoding_format']) ?? 'float';
      const inputTokens = inputs.reduce((sum, input) => sum + tokensOf(input), 0);
      const hidesUsage = findFault(faults, 'usage')?.how === 'none';
      return jsonReply(
        call,
        {
          object: 'list',
          data: inputs.map((input, index) => ({
            object: 'embedding',
            index,
            embedding: written(vectorOf(call.seed, input, length), encoding),
          })),
          model: findFault(faults, 'served-model')?.model ?? model,
          ...(hidesUsage
            ? {}
            : { usage: { prompt_tokens: inputTokens, total_tokens: inputTokens } }),
        },
        mediaUsage({ inputs: inputs.length }, { inputTokens }),
      );
    },
  };
}
