/**
 * The body of `POST /v1/client-tokens` and its reply.
 *
 * @module
 */
import { z } from 'zod';

const globs = z.array(z.string().min(1).max(200)).min(1).max(20);

export const clientTokenRequestSchema = z
  .strictObject({
    customer: z.string().min(1).max(200).describe('`cus_…` or `externalId`; the token acts as it.'),
    operations: globs.optional().describe('Globs on the operation, e.g. `text.*`.'),
    models: globs.optional().describe('Globs on `provider/model`.'),
    max_spend_usd: z
      .string()
      .regex(/^(?!0+(?:\.0+)?$)\d{1,9}(?:\.\d{1,9})?$/, {
        error: 'must be a positive decimal string of US dollars, such as "0.50"',
      })
      .optional()
      .describe('Most that all calls under the token may cost together.'),
    expires_in_s: z
      .int()
      .min(1)
      .max(7 * 86_400)
      .describe('Life in seconds, at most a week.'),
  })
  .meta({ id: 'ClientTokenRequest' });

export const clientTokenReplySchema = z
  .object({
    token: z.string().describe('`agt_…`; it is sent like a key.'),
    expires_at: z.iso.datetime(),
  })
  .meta({ id: 'ClientToken' });
