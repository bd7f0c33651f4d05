/**
 * `:batchEmbedContents` and `:embedContent` (https://ai.google.dev/api/embeddings; recorded gemini-embedding-001, which
 * counts nothing, and -2, which does).
 *
 * @module
 */
import { findFault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { isJsonObject, listOf, numberOf, objectOf, type JsonObject } from '../core/json.ts';
import { createRandom } from '../core/random.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { geminiErrorBody, invalidArgument } from './errors.ts';
import { camelKeys, textOfContent } from './request.ts';

const LENGTH = 3072;
const LENGTH_MAX = 3072;
const BATCH_MAX = 100;

/** Of unit length; equal texts give equal vectors. */
function valuesOf(seed: string, text: string, length: number): readonly number[] {
  const random = createRandom(seed, 'embedding', text);
  const values = Array.from({ length }, () => random.next() * 2 - 1);
  const norm = Math.hypot(...values);
  return values.map((value) => Math.fround(value / norm));
}

function problemOf(
  requests: readonly JsonObject[],
  model: string,
  verb: string,
): SimulatedReply | null {
  if (requests.length === 0 || requests.length > BATCH_MAX) {
    const message = `* BatchEmbedContentsRequest.requests: at most ${String(BATCH_MAX)} requests can be in one batch\n`;
    return invalidArgument(message, 'requests');
  }
  for (const request of requests) {
    if (verb === 'batchEmbedContents' && request['model'] !== `models/${model}`) {
      return invalidArgument('* BatchEmbedContentsRequest.requests.model: not equal\n', 'requests');
    }
    if (textOfContent(request['content']) === '') {
      return invalidArgument('* EmbedContentRequest.content: contents is empty\n', 'content');
    }
    const length = numberOf(request['outputDimensionality']) ?? LENGTH;
    if (length < 1 || length > LENGTH_MAX) {
      return invalidArgument('* outputDimensionality: out of range\n', 'outputDimensionality');
    }
  }
  return null;
}

export function embeddingsRoute(call: SimulatedCall, model: string, verb: string): FamilyRoute {
  const body = camelKeys(objectOf(call.json));
  const requests = (verb === 'embedContent' ? [body] : listOf(body['requests']))
    .filter(isJsonObject)
    .map(camelKeys);
  return {
    model,
    stream: false,
    answer(faults): SimulatedReply {
      const problem = problemOf(requests, model, verb);
      if (problem !== null) return problem;
      const embeddings = requests.map((request) => ({
        values: valuesOf(
          call.seed,
          textOfContent(request['content']),
          numberOf(request['outputDimensionality']) ?? LENGTH,
        ),
      }));
      const inputTokens = requests.reduce(
        (sum, request) => sum + countTokens(textOfContent(request['content'])),
        0,
      );
      const counts = model !== 'gemini-embedding-001' && findFault(faults, 'usage')?.how !== 'none';
      const error = findFault(faults, 'in-band-error');
      const value = {
        ...(verb === 'embedContent' ? { embedding: embeddings[0] } : { embeddings }),
        ...(counts
          ? {
              usageMetadata: {
                promptTokenCount: inputTokens,
                promptTokenDetails: [{ modality: 'TEXT', tokenCount: inputTokens }],
              },
            }
          : {}),
      };
      return {
        kind: 'body',
        status: 200,
        headers: { 'content-type': 'application/json; charset=UTF-8' },
        body: JSON.stringify(error === undefined ? value : geminiErrorBody(error.error, model)),
        usage:
          error === undefined
            ? { ...NO_USAGE, inputTokens, media: { inputs: requests.length } }
            : null,
      };
    },
  };
}
