/**
 * Replies of pictures, sound and embeddings.
 *
 * @module
 */
import { z } from 'zod';

const cost = {
  cost: z.string().describe('US dollars, nine places: the amount that is booked.'),
  estimated: z.boolean().optional().describe('The provider sent no usage.'),
};

/** Pictures; those that were asked for and did not come stand in `errors`, uncharged. */
export const imagesReplySchema = z
  .looseObject({
    created: z.int(),
    data: z.array(
      z.object({
        b64_json: z.string().optional(),
        url: z.string().optional().describe('Signed; with `"response_format": "url"`.'),
        revised_prompt: z.string().optional(),
      }),
    ),
    errors: z
      .array(z.object({ index: z.int(), code: z.string(), message: z.string() }))
      .optional()
      .describe('Pictures that did not come. They are not charged.'),
    background: z.string().optional(),
    output_format: z.string().optional(),
    quality: z.string().optional(),
    size: z.string().optional(),
    usage: z.looseObject({
      input_tokens: z.int(),
      output_tokens: z.int(),
      total_tokens: z.int(),
      ...cost,
    }),
  })
  .meta({ id: 'ImagesReply' });

/** A transcript in JSON; members beside `text` as the form asked for has them. */
export const transcriptReplySchema = z
  .looseObject({
    text: z.string(),
    task: z.string().optional(),
    language: z.string().optional(),
    duration: z.number().optional().describe('Seconds.'),
    words: z
      .array(z.object({ word: z.string(), start: z.number(), end: z.number() }))
      .optional(),
    segments: z
      .array(z.looseObject({ start: z.number(), end: z.number(), text: z.string() }))
      .optional(),
    usage: z
      .looseObject({ type: z.enum(['duration', 'tokens']), ...cost })
      .describe('Whole seconds, or tokens where the model is sold by them.'),
  })
  .meta({ id: 'TranscriptReply' });

/** One vector for each input. */
export const embeddingsReplySchema = z
  .object({
    object: z.literal('list'),
    data: z.array(
      z.object({
        object: z.literal('embedding'),
        index: z.int(),
        embedding: z.union([z.array(z.number()), z.string()]),
      }),
    ),
    model: z.string().describe('The model that answered.'),
    usage: z.object({ prompt_tokens: z.int(), total_tokens: z.int(), ...cost }),
  })
  .meta({ id: 'EmbeddingsReply' });
