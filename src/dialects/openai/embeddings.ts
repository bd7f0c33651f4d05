/**
 * `POST /v1/embeddings` (https://platform.openai.com/docs/api-reference/embeddings) as a dialect of the pipeline.
 *
 * @module
 */
import { z } from 'zod';
import type { EmbeddingInput, EmbeddingResult } from '../../contracts/embedding-provider.ts';
import { inputTokensOf } from '../../contracts/usage.ts';
import type { Dialect } from '../../gateway/dialect.ts';
import type { OperationAnswer, OperationCall } from '../../gateway/operation-call.ts';
import type { Receipt } from '../../gateway/text-call.ts';
import { parseJsonObject } from '../json-body.ts';
import { openAiError, openAiErrorFrame } from './errors.ts';
import { costOf } from './receipt-usage.ts';
import { optionsFor } from './provider-options.ts';
import { assertForeground, checked, present, unknownMembers } from './request-fields.ts';
import { unstreamed } from './unstreamed.ts';

/** Texts or token lists of one call, as OpenAI bounds them. */
const INPUTS_MAX = 2048;

const tokenList = z.array(z.number().int().min(0)).min(1);

export const embeddingsSchema = z.looseObject({
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  input: z.union([
    z.string().min(1),
    tokenList,
    z.array(z.string().min(1)).min(1).max(INPUTS_MAX),
    z.array(tokenList).min(1).max(INPUTS_MAX),
  ]),
  encoding_format: z.enum(['float', 'base64']).nullish().describe('`float` by default.'),
  dimensions: z.number().int().min(1).max(65_536).nullish(),
  user: z.string().max(512).nullish(),
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
});

function isTokens(input: z.infer<typeof embeddingsSchema>['input']): input is number[] {
  return Array.isArray(input) && typeof input[0] === 'number';
}

function inputsOf(input: z.infer<typeof embeddingsSchema>['input']): readonly EmbeddingInput[] {
  if (typeof input === 'string' || isTokens(input)) return [input];
  return input;
}

/** A token stands for a byte at least, and a token that is sent for itself. */
function mostTokens(inputs: readonly EmbeddingInput[]): number {
  return inputs.reduce(
    (sum, input) => sum + (typeof input === 'string' ? Buffer.byteLength(input) : input.length),
    0,
  );
}

function renderEmbeddings(result: EmbeddingResult, receipt: Receipt): Buffer {
  const tokens = inputTokensOf(receipt.usage);
  return Buffer.from(
    JSON.stringify({
      object: 'list',
      data: result.vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
      model: receipt.model,
      usage: { prompt_tokens: tokens, total_tokens: tokens, ...costOf(receipt) },
    }),
  );
}

function embeddingsAnswer(result: EmbeddingResult): OperationAnswer {
  return {
    facts: result,
    contentType: 'application/json',
    warnings: [],
    store: null,
    render: (receipt) => renderEmbeddings(result, receipt),
  };
}

function parseEmbeddings(bytes: Buffer, maxDepth: number): OperationCall {
  const body = parseJsonObject(bytes, maxDepth);
  const request = checked(embeddingsSchema, body);
  assertForeground(body);
  const inputs = inputsOf(request.input);
  return {
    kind: 'operation',
    operation: 'text.embed',
    work: 'text',
    model: request.model,
    stream: false,
    streamType: null,
    spec: {
      operation: 'text.embed',
      text: { inputBytes: mostTokens(inputs) },
      inputs: inputs.length,
    },
    serviceTier: null,
    unknownParameters: unknownMembers(embeddingsSchema, body),
    prepare(definition, target) {
      const options = {
        inputs,
        dimensions: request.dimensions ?? null,
        encoding: request.encoding_format ?? 'float',
        user: request.user ?? null,
        extra: optionsFor(request.provider_options, definition.id),
      };
      const exchange = present(definition.embedding).embed(options, target);
      return {
        request: exchange.request,
        warnings: exchange.warnings,
        read: (reply) => embeddingsAnswer(exchange.read(reply)),
        open: unstreamed,
      };
    },
  };
}

export const embeddingsDialect: Dialect = {
  operation: 'text.embed',
  bodies: 'json',
  maxBodyBytes: (settings) => settings.maxBodyBytes,
  parse: (body, { settings }) => parseEmbeddings(body, settings.maxJsonDepth),
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
