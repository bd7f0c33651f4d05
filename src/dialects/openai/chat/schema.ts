/**
 * `POST /v1/chat/completions` as OpenAI documents it
 * (https://platform.openai.com/docs/api-reference/chat/create, checked against its OpenAPI document 2.3.0).
 *
 * Only what the gateway reads is checked strictly; message parts of kinds it does not know are left to a
 * provider that speaks the same protocol, and refused when they would have to be translated.
 *
 * @module
 */
import { z } from 'zod';

const nullishBoolean = z.boolean().nullish();
const nullishNumber = z.number().nullish();

const contentPart = z.looseObject({ type: z.string() });

const message = z.looseObject({
  role: z.string().min(1),
  content: z.union([z.string(), z.array(contentPart)]).nullish(),
  tool_calls: z.array(z.looseObject({})).nullish(),
  tool_call_id: z.string().nullish(),
});

const tool = z.looseObject({
  type: z.string(),
  function: z.looseObject({ name: z.string().min(1) }).nullish(),
});

const responseFormat = z.looseObject({
  type: z.string(),
  json_schema: z
    .looseObject({
      // OpenAI requires it and says so itself; Perplexity's requests have none (recorded).
      name: z.string().min(1).nullish(),
      schema: z.unknown().optional(),
      strict: nullishBoolean,
    })
    .nullish(),
});

/** Largest count accepted for any token maximum; beyond it a bound would not fit 53 bits. */
export const MAX_TOKENS_CAP = 100_000_000;

const tokenCount = z.number().int().positive().max(MAX_TOKENS_CAP).nullish();

export const chatRequestSchema = z.looseObject({
  model: z.string().min(1),
  messages: z.array(message).min(1).max(100_000),
  stream: nullishBoolean,
  stream_options: z.looseObject({ include_usage: nullishBoolean }).nullish(),
  max_tokens: tokenCount,
  max_completion_tokens: tokenCount,
  n: z.number().int().min(1).max(128).nullish(),
  temperature: nullishNumber,
  top_p: nullishNumber,
  presence_penalty: nullishNumber,
  frequency_penalty: nullishNumber,
  // Any integer of 64 bits, as OpenAI has it: beyond 53 only the bytes have it exactly.
  seed: z
    .number()
    .refine(Number.isInteger, 'must be an integer')
    .min(-(2 ** 63))
    .max(2 ** 63)
    .meta({ type: 'integer' })
    .nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  logprobs: nullishBoolean,
  top_logprobs: z.number().int().min(0).max(100).nullish(),
  logit_bias: z.record(z.string(), z.number()).nullish(),
  tools: z.array(tool).max(2048).nullish(),
  tool_choice: z.union([z.string(), z.looseObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: nullishBoolean,
  response_format: responseFormat.nullish(),
  reasoning_effort: z.string().nullish(),
  user: z.string().nullish(),
  service_tier: z.string().nullish(),
  web_search_options: z.looseObject({}).nullish(),
  provider_options: z.record(z.string(), z.record(z.string(), z.unknown())).nullish(),
});

/** Members that tune, label or cache at OpenAI: a translation leaves them out and says so. */
const UNTRANSLATED_CHAT_PARAMETERS = [
  'metadata',
  'moderation',
  'prediction',
  'prompt_cache_key',
  'prompt_cache_retention',
  'prompt_cache_options',
  'safety_identifier',
  'store',
  'verbosity',
] as const;

/** The given ones of these that ask for something; to store nothing is what every translation does. */
export function untranslatedParametersOf(
  body: Readonly<Record<string, unknown>>,
): readonly string[] {
  return UNTRANSLATED_CHAT_PARAMETERS.filter((name) => {
    const value = body[name] ?? null;
    return value !== null && !(name === 'store' && value === false);
  });
}

export type ChatRequest = z.infer<typeof chatRequestSchema>;

/** Top-level members that OpenAI documents, and `provider_options`, which is the gateway's own. */
export const KNOWN_CHAT_PARAMETERS: ReadonlySet<string> = new Set([
  ...Object.keys(chatRequestSchema.shape),
  ...UNTRANSLATED_CHAT_PARAMETERS,
  'audio',
  'function_call',
  'functions',
  'modalities',
]);
