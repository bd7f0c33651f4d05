/**
 * Settings of the moderation of media.
 *
 * @module
 */
import { z } from 'zod';
import { truth } from './setting-types.ts';

/** `moderation` of the configuration. */
export const moderationSchema = z
  .strictObject({
    model: z
      .string()
      .max(200)
      .regex(/^$|^[^/]+\/.+$/, { error: 'must be provider/model, or empty' })
      .prefault('')
      .meta({ 'x-kind': 'text' })
      .describe(
        'Moderation model that judges calls for pictures and sound, such as `openai/omni-moderation-latest`; empty: nobody does. Its cost is the operator’s. Where it does not answer, nothing goes on.',
      ),
    before: truth()
      .prefault(true)
      .describe('Whether texts and pictures are judged before a provider is asked.'),
    after: truth()
      .prefault(false)
      .describe(
        'Whether pictures are judged before they are delivered; they are billed all the same.',
      ),
  })
  .prefault({})
  .describe('Moderation of media.');
