/**
 * `POST /v1/moderations` (https://platform.openai.com/docs/api-reference/moderations) as a dialect of the pipeline.
 *
 * @module
 */
import { z } from 'zod';
import type { ModerationOptions, ModerationResult } from '../../contracts/moderation-provider.ts';
import type { Dialect } from '../../gateway/dialect.ts';
import type { OperationAnswer, OperationCall } from '../../gateway/operation-call.ts';
import type { Receipt } from '../../gateway/text-call.ts';
import { parseJsonObject } from '../json-body.ts';
import { invalidRequest } from '../validation.ts';
import { openAiError, openAiErrorFrame } from './errors.ts';
import { costOf } from './receipt-usage.ts';
import { optionsFor } from './provider-options.ts';
import { assertForeground, checked, present, unknownMembers } from './request-fields.ts';
import { unstreamed } from './unstreamed.ts';

const INPUTS_MAX = 100;

const partSchema = z.union([
  z.strictObject({ type: z.literal('text'), text: z.string().min(1) }),
  z.strictObject({
    type: z.literal('image_url'),
    image_url: z.strictObject({ url: z.string().min(1).describe('https or data URL.') }),
  }),
]);

export const moderationSchema = z.looseObject({
  model: z.string().min(1).describe('`provider/model` or an alias.'),
  input: z
    .union([
      z.string().min(1),
      z.array(z.string().min(1)).min(1).max(INPUTS_MAX),
      z.array(partSchema).min(1).max(INPUTS_MAX),
    ])
    .describe('A text; texts with a verdict each; or parts, text and pictures, with one verdict.'),
  provider_options: z
    .record(z.string(), z.record(z.string(), z.unknown()))
    .nullish()
    .describe('Options of one provider’s own, under its id; sent as they are.'),
});

type Judged = Pick<ModerationOptions, 'inputs' | 'together'>;

function judgedOf({ input }: z.infer<typeof moderationSchema>): Judged {
  const list = typeof input === 'string' ? [input] : input;
  const [first, ...others] = list.map((item) => {
    if (typeof item === 'string') return { type: 'text', text: item } as const;
    return item.type === 'text'
      ? ({ type: 'text', text: item.text } as const)
      : ({ type: 'image_url', url: item.image_url.url } as const);
  });
  if (first === undefined) throw invalidRequest('input', 'is missing.');
  return { inputs: [first, ...others], together: list.some((item) => typeof item !== 'string') };
}

/** A token stands for a byte of text at least; pictures are not counted by anyone. */
function bytesOf({ inputs }: Judged): number {
  return inputs.reduce(
    (sum, input) => sum + (input.type === 'text' ? Buffer.byteLength(input.text) : 0),
    0,
  );
}

function render({ id, verdicts }: ModerationResult, receipt: Receipt): Buffer {
  return Buffer.from(
    JSON.stringify({
      id: id ?? receipt.requestId,
      model: receipt.model,
      results: verdicts.map(({ flagged, categories, scores, appliedTo }) => ({
        flagged,
        categories,
        category_scores: scores,
        ...(appliedTo === null ? {} : { category_applied_input_types: appliedTo }),
      })),
      usage: costOf(receipt),
    }),
  );
}

function moderationAnswer(result: ModerationResult): OperationAnswer {
  return {
    facts: result,
    contentType: 'application/json',
    warnings: [],
    store: null,
    render: (receipt) => render(result, receipt),
  };
}

function parseModeration(bytes: Buffer, maxDepth: number): OperationCall {
  const body = parseJsonObject(bytes, maxDepth);
  const request = checked(moderationSchema, body);
  assertForeground(body);
  const judged = judgedOf(request);
  return {
    kind: 'operation',
    operation: 'text.moderate',
    work: 'text',
    model: request.model,
    stream: false,
    streamType: null,
    spec: { operation: 'text.moderate', text: { inputBytes: Math.max(1, bytesOf(judged)) } },
    serviceTier: null,
    unknownParameters: unknownMembers(moderationSchema, body),
    prepare(definition, target) {
      const extra = optionsFor(request.provider_options, definition.id);
      const exchange = present(definition.moderation).moderate({ ...judged, extra }, target);
      return {
        request: exchange.request,
        warnings: exchange.warnings,
        read: (reply) => moderationAnswer(exchange.read(reply)),
        open: unstreamed,
      };
    },
  };
}

export const moderationsDialect: Dialect = {
  operation: 'text.moderate',
  bodies: 'json',
  maxBodyBytes: (settings) => settings.maxImageBodyBytes,
  parse: (body, { settings }) => parseModeration(body, settings.maxJsonDepth),
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
