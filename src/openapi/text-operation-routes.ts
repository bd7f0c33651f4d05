/**
 * Prompt enhancements and moderations as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import { moderationSchema } from '../dialects/openai/moderations.ts';
import { promptEnhancementSchema } from '../dialects/openai/prompt-enhancements.ts';

const cost = {
  cost: z.string().describe('US dollars, nine places: the amount that is booked.'),
  estimated: z.boolean().optional().describe('The provider sent no usage.'),
};

const enhancementReply = z
  .object({
    prompt: z.string().describe('The prompt, written out.'),
    model: z.string().describe('The model that has written it.'),
    usage: z.object({
      input_tokens: z.int(),
      output_tokens: z.int(),
      total_tokens: z.int(),
      ...cost,
    }),
  })
  .meta({ id: 'PromptEnhancement' });

const moderationReply = z
  .object({
    id: z.string(),
    model: z.string(),
    results: z.array(
      z.object({
        flagged: z.boolean(),
        categories: z.record(z.string(), z.boolean()),
        category_scores: z.record(z.string(), z.number()),
        category_applied_input_types: z.record(z.string(), z.array(z.string())).optional(),
      }),
    ),
    usage: z.object(cost),
  })
  .meta({ id: 'Moderation' });

/** Routes of text that is no chat. */
export const textOperationRoutes = [
  {
    path: '/v1/prompt-enhancements',
    operationId: 'enhancePrompt',
    summary: 'Write a prompt out',
    description:
      'A text model makes a short prompt for pictures or clips concrete, under instructions of the gateway’s own. Priced as text.',
    tag: 'text',
    body: {
      schema: promptEnhancementSchema.meta({ id: 'PromptEnhancementRequest' }),
      required: true,
      example: { model: 'sim/chat', prompt: 'a lighthouse', for: 'image', style: 'watercolour' },
    },
    content: { 'application/json': { schema: enhancementReply } },
  },
  {
    path: '/v1/moderations',
    operationId: 'createModeration',
    summary: 'Judge content',
    description: 'OpenAI’s moderation: a verdict on a text, on each of several, or on text and pictures.',
    tag: 'text',
    body: {
      schema: moderationSchema.meta({ id: 'ModerationRequest' }),
      required: true,
      example: { model: 'sim/moderate', input: 'Good morning.' },
    },
    content: { 'application/json': { schema: moderationReply } },
  },
] as const;
