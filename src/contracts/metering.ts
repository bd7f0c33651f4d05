/**
 * Names that bind in metering: meters, windows, operations, statuses; and the schemas of plans and limits.
 *
 * @module
 */
import { z } from 'zod';

/**
 * What can be counted: calls, tokens by direction, US dollars, and the units of media. `cost_usd` is held in nano-USD.
 * The journal names a meter by its place here: new ones are added at the end.
 */
export const METERS = [
  'requests',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cost_usd',
  'images',
  'image_edits',
  'face_swaps',
  'upscales',
  'background_removals',
  'video_clips',
  'video_seconds',
  'speech_characters',
  'transcription_seconds',
  'voice_clones',
  'embeddings',
  'searches',
] as const;
/** A name of {@link METERS}. */
export type Meter = (typeof METERS)[number];

/** What a call asks for, as `<modality>.<verb>`; limits match it with globs. */
export const OPERATIONS = [
  'text.generate',
  'text.embed',
  'text.rerank',
  'text.moderate',
  'text.count_tokens',
  'text.enhance_prompt',
  'image.generate',
  'image.edit',
  'image.face_swap',
  'image.upscale',
  'image.remove_background',
  'audio.speech',
  'audio.transcribe',
  'audio.translate',
  'audio.clone_voice',
  'video.text_to_video',
  'video.image_to_video',
  'video.extend',
  'video.talking_avatar',
  'video.face_swap',
  'video.upscale',
  'video.remove_background',
  'video.add_sound',
] as const;
/** A name of {@link OPERATIONS}. */
export type Operation = (typeof OPERATIONS)[number];

/** What stands before the dot: `text`, `image`, `audio` or `video`. */
export function modalityOf(operation: string): string {
  return operation.slice(0, Math.max(0, operation.indexOf('.')));
}

/** `rolling:<n>h` is a usage-anchored box of n hours. */
export const WINDOW_PATTERN =
  /^(call|minute|hour|day|week|period|lifetime|concurrent|rolling:[1-9]\d{0,3}h)$/;

/** States of a subscription. `trial`, `active` and `past_due` within its grace may spend; the others may not. */
export const SUBSCRIPTION_STATUSES = [
  'trial',
  'active',
  'past_due',
  'paused',
  'cancelled',
  'expired',
] as const;
/** A name of {@link SUBSCRIPTION_STATUSES}. */
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

const ZERO_HINT =
  'must be a positive amount, "unlimited" or "disabled" (0 is ambiguous: say "disabled" to forbid or "unlimited" to allow)';

/** Positive integer, positive decimal string, `unlimited` or `disabled`. */
export const limitAmountSchema = z.union(
  [
    z.number().int({ message: ZERO_HINT }).positive({ message: ZERO_HINT }),
    z.literal('unlimited'),
    z.literal('disabled'),
    z.string().regex(/^(?!0+(?:\.0+)?$)\d{1,15}(?:\.\d{1,9})?$/, { message: ZERO_HINT }),
  ],
  { error: ZERO_HINT },
);

/** One limit of a plan as it is written: meter, window, amount, and what it applies to. */
export const limitSchema = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(120)
    .optional()
    .describe('Unique in the plan; default `<meter>/<window>`'),
  meter: z.enum(METERS).describe('What is counted.'),
  window: z
    .string()
    .regex(WINDOW_PATTERN, {
      message:
        'must be call, minute, hour, day, week, period, lifetime, concurrent or rolling:<n>h',
    })
    .describe('Over what it is counted.'),
  amount: limitAmountSchema.describe('A positive amount, `unlimited` or `disabled`.'),
  scope: z
    .string()
    .regex(/^(customer|key|client_token|tag:[A-Za-z0-9_.-]{1,64})$/)
    .optional()
    .describe('Whose counter it is; one for each: `customer` by default.'),
  operation: z.string().min(1).max(200).optional().describe('Glob on the operation, e.g. `text.*`'),
  model: z
    .string()
    .min(1)
    .max(200)
    .optional()
    .describe('Glob on `provider/model`, e.g. `gemini/*`'),
  on_breach: z
    .enum(['deny', 'soft', 'overage'])
    .optional()
    .describe(
      '`deny` by default; `soft` admits and marks, `overage` admits up to `overage_cap` more.',
    ),
  overage_cap: limitAmountSchema
    .optional()
    .describe('Most beyond the amount; only with `on_breach` `overage`.'),
  rollover_max: limitAmountSchema
    .optional()
    .describe(
      'Most of what is left that the next hour, day, week or period begins with; on no other window.',
    ),
  thresholds: z
    .array(z.number().positive().max(1000))
    .max(20)
    .optional()
    .describe(
      'Percentages at which alerts fire; 50, 80, 90 and 100 by default. Not for `call`, `minute` and `concurrent`.',
    ),
});
/** A limit that {@link limitSchema} has accepted. */
export type LimitInput = z.infer<typeof limitSchema>;

/** A plan as it is written, in the control plane and in plan files. */
export const planSchema = z.strictObject({
  id: z.string().regex(/^[a-z0-9][a-z0-9_-]{0,63}$/, {
    message: 'must be 1 to 64 of a-z, 0-9, _ and -, starting with a letter or digit',
  }),
  name: z.string().min(1).max(200),
  price_usd: z.strictObject({ month: z.string(), year: z.string() }).optional(),
  models: z
    .array(z.string().min(1).max(200))
    .max(500)
    .optional()
    .describe('Globs on `provider/model`; absent allows all'),
  features: z.array(z.string().max(100)).max(100).optional(),
  funding: z.enum(['plan', 'wallet', 'plan_then_wallet']).optional(),
  on_metering_outage: z
    .enum(['strict', 'bounded', 'open'])
    .optional()
    .describe(
      'What happens while a shared ledger cannot be reached; with the embedded one, nothing is admitted that cannot be recorded, whatever stands here.',
    ),
  max_quote_ttl_s: z.number().int().positive().max(86_400).optional(),
  limits: z.array(limitSchema).max(200),
});
/** A plan that {@link planSchema} has accepted. */
export type PlanInput = z.infer<typeof planSchema>;
