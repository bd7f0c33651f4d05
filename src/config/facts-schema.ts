/**
 * `models.facts`: sizes of models that the gateway does not know.
 *
 * @module
 */
import { z } from 'zod';
import { integer, text } from './setting-types.ts';

const TOKENS_MAX = 100_000_000;

export const factsSchema = z.strictObject({
  provider: text(64).describe('Key of the price book, usually the provider id.'),
  model: text(300).describe('Model id as the provider knows it.'),
  contextWindow: integer({ min: 1, max: TOKENS_MAX })
    .optional()
    .describe('Tokens of input and output together.'),
  maxOutputTokens: integer({ min: 1, max: TOKENS_MAX })
    .optional()
    .describe('Most output tokens of one answer, reasoning included.'),
});
