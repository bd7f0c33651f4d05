/**
 * Events of streamed replies: each is the `data` of one frame of `text/event-stream`.
 *
 * @module
 */
import { z } from 'zod';

const tokens = {
  input_tokens: z.int(),
  output_tokens: z.int(),
  total_tokens: z.int(),
  cost: z.string().describe('US dollars, nine places: the amount that is booked.'),
  estimated: z.boolean().optional().describe('The provider sent no usage.'),
};

/** What ends a stream that broke. */
const brokenSchema = z
  .looseObject({
    error: z.looseObject({ message: z.string(), type: z.string(), code: z.string().nullable() }),
  })
  .describe('In place of the last event, where the stream broke.')
  .meta({ id: 'StreamError' });

const FRAMES = 'Frames `data: {event}`. The last leaves once the call is booked.';

/** One piece of a streamed answer. */
const chunkSchema = z
  .looseObject({
    id: z.string(),
    object: z.literal('chat.completion.chunk'),
    created: z.int(),
    model: z.string(),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        delta: z.looseObject({
          role: z.literal('assistant').optional(),
          content: z.string().nullish(),
        }),
        finish_reason: z.string().nullish(),
      }),
    ),
    usage: z.looseObject({ cost: z.string().optional() }).nullish(),
  })
  .meta({ id: 'ChatCompletionChunk' });

/** A streamed answer. */
export const chatEventsSchema = z
  .union([chunkSchema, brokenSchema])
  .describe(
    'Frames `data: {chat.completion.chunk}`, at last `data: [DONE]`. A stream that broke ends with `data: {"error": …}` instead and has no finish reason. `usage.cost` stands in the last chunk.',
  );

/** A streamed picture. `name` begins its events. */
export function imageEventsSchema(name: 'image_generation' | 'image_edit', id: string): z.ZodType {
  const partial = z
    .object({
      type: z.literal(`${name}.partial_image`),
      b64_json: z.string(),
      partial_image_index: z.int(),
    })
    .meta({ id: `${id}Partial` });
  const completed = z
    .looseObject({
      type: z.literal(`${name}.completed`),
      b64_json: z.string(),
      created_at: z.int(),
      usage: z.looseObject(tokens),
    })
    .meta({ id: `${id}Completed` });
  return z.union([partial, completed, brokenSchema]).describe(FRAMES);
}

/** A streamed transcript. */
export const transcriptEventsSchema = z
  .union([
    z
      .object({ type: z.literal('transcript.text.delta'), delta: z.string() })
      .meta({ id: 'TranscriptDelta' }),
    z
      .looseObject({
        type: z.literal('transcript.text.done'),
        text: z.string(),
        usage: z.looseObject({ cost: z.string() }),
      })
      .meta({ id: 'TranscriptDone' }),
    brokenSchema,
  ])
  .describe(FRAMES);

/** Streamed sound. */
export const speechEventsSchema = z
  .union([
    z
      .object({
        type: z.literal('speech.audio.delta'),
        audio: z.string().describe('Base64 of the next bytes.'),
      })
      .meta({ id: 'SpeechDelta' }),
    z
      .object({ type: z.literal('speech.audio.done'), usage: z.looseObject(tokens) })
      .meta({ id: 'SpeechDone' }),
    brokenSchema,
  ])
  .describe(FRAMES);
