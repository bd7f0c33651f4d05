/**
 * `:batchEmbedContents` (https://ai.google.dev/api/embeddings; recorded traffic of gemini-embedding-001 and -2). The
 * former says nothing of its usage, the latter counts tokens.
 *
 * @module
 */
import type {
  EmbeddingOptions,
  EmbeddingProvider,
  EmbeddingResult,
} from '../../../contracts/embedding-provider.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { encodeFloats } from '../../../http/float-vector.ts';
import { asList, asRecord, asRecords } from '../json.ts';
import { readUsage } from '../usage.ts';
import { failed, methodRequest, objectReply, refused } from './exchange.ts';
import { assertKind, EMBEDDED_MAX } from './models.ts';

function textsOf({ inputs }: EmbeddingOptions, model: string): readonly string[] {
  if (inputs.length > EMBEDDED_MAX) {
    throw refused(
      'input',
      `${model} embeds at most ${EMBEDDED_MAX} texts a call, not ${inputs.length}. Send them in several calls.`,
    );
  }
  return inputs.map((input) => {
    if (typeof input === 'string') return input;
    throw refused(
      'input',
      `${model} embeds texts: tokens of another vocabulary mean nothing to it.`,
    );
  });
}

function vectorOf(
  values: unknown,
  encoding: EmbeddingOptions['encoding'],
): readonly number[] | string {
  const numbers = asList(values).filter((value) => typeof value === 'number');
  if (numbers.length === 0 || numbers.length !== asList(values).length) {
    throw failed('malformed_reply', 'Gemini sent something that is no vector.');
  }
  return encoding === 'base64' ? encodeFloats(numbers) : numbers;
}

function readEmbeddings(reply: WireReply, options: EmbeddingOptions): EmbeddingResult {
  const body = objectReply(reply);
  const vectors = asRecords(body['embeddings']).map((one) =>
    vectorOf(one['values'], options.encoding),
  );
  const wanted = options.inputs.length;
  if (vectors.length !== wanted) {
    const message = `Gemini sent ${vectors.length} vectors for ${wanted} texts.`;
    throw failed('malformed_reply', message);
  }
  const metadata = asRecord(body['usageMetadata']);
  // Here the details are called `promptTokenDetails`, without the plural (recorded).
  const tokens =
    readUsage({ ...metadata, promptTokensDetails: metadata?.['promptTokenDetails'] }, 0) ?? {};
  return { vectors, usage: { ...tokens, inputs: wanted }, modelServed: null, dimensions: {} };
}

/** A model of the API is named by its path in each of the requests. */
function resourceOf(model: string): string {
  return model.includes('/') ? model : `models/${model}`;
}

function bodyOf(options: EmbeddingOptions, target: ProviderTarget): Record<string, unknown> {
  const { dimensions, extra } = options;
  return {
    requests: textsOf(options, target.model).map((text) => ({
      ...extra,
      model: resourceOf(target.model),
      content: { parts: [{ text }] },
      ...(dimensions === null ? {} : { outputDimensionality: dimensions }),
    })),
  };
}

/** Vectors from texts. `extra` (`taskType`, `title` …) is laid into each request of the batch. */
export const geminiEmbedding: EmbeddingProvider = {
  embed(options, target) {
    assertKind(target.model, 'embeddings');
    const request = methodRequest(target, {
      method: 'batchEmbedContents',
      body: bodyOf(options, target),
    });
    const detail = `${target.model} takes no id of the end user.`;
    return {
      request,
      warnings: options.user === null ? [] : [{ option: 'user', action: 'dropped', detail }],
      read: (reply) => readEmbeddings(reply, options),
    };
  },
};
