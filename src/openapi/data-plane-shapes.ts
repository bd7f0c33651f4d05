/**
 * Replies of the data plane, as far as the gateway itself decides them.
 *
 * @module
 */
import { z } from 'zod';
import { ERROR_CODES, type ErrorCode } from '../contracts/error-codes.ts';
import { METERS, SUBSCRIPTION_STATUSES } from '../contracts/metering.ts';

const CODES = Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]];

/** One limit as a refusal and `GET /v1/limits` show it. */
export const limitStatusSchema = z
  .object({
    id: z.string(),
    meter: z.enum(METERS),
    window: z.string(),
    scope: z.string(),
    limit: z.string().describe('Decimal string.'),
    used: z.string(),
    held: z.string(),
    requested: z.string().optional(),
    remaining: z.string(),
    resets_at: z.iso.datetime().nullable(),
  })
  .meta({ id: 'LimitStatus' });

/** What a caller can do about a refusal. */
export const actionSchema = z
  .discriminatedUnion('do', [
    z.object({ do: z.literal('reduce'), param: z.string(), max: z.number() }),
    z.object({ do: z.literal('switch_model'), model: z.string(), max_cost: z.string() }),
    z.object({ do: z.literal('wait'), until: z.iso.datetime() }),
    z.object({ do: z.literal('upgrade'), plan: z.string() }),
    z.object({ do: z.literal('top_up'), amount: z.string() }),
    z.object({ do: z.literal(['subscribe', 'pay', 'resume', 'reactivate']) }),
  ])
  .meta({ id: 'RefusalAction' });

/** Errors in OpenAI's envelope, with the gateway's members inside. */
export const openAiErrorSchema = z
  .object({
    error: z.object({
      message: z.string(),
      type: z.string(),
      param: z.string().nullable(),
      code: z.enum(CODES),
      request_id: z.string().optional(),
      limits: z.array(limitStatusSchema).optional(),
      plan: z.object({ id: z.string(), version: z.int() }).nullable().optional(),
      actions: z.array(actionSchema).optional(),
      usage_info: z.record(z.string(), z.unknown()).optional(),
    }),
  })
  .meta({ id: 'OpenAiError' });

const usageSchema = z
  .looseObject({
    prompt_tokens: z.int(),
    completion_tokens: z.int(),
    total_tokens: z.int(),
    cost: z.string().describe('US dollars, nine places: the amount that is booked.'),
    estimated: z.boolean().optional().describe('The provider sent no usage.'),
  })
  .meta({ id: 'ChatUsage' });

/** A whole answer; members of the provider's own are passed on. */
export const chatCompletionSchema = z
  .looseObject({
    id: z.string(),
    object: z.literal('chat.completion'),
    created: z.int(),
    model: z.string().describe('The model that answered.'),
    choices: z.array(
      z.looseObject({
        index: z.int(),
        message: z.looseObject({ role: z.literal('assistant'), content: z.string().nullable() }),
        finish_reason: z.string(),
      }),
    ),
    usage: usageSchema,
  })
  .meta({ id: 'ChatCompletion' });

/** One model of the list. */
export const modelSchema = z
  .object({
    id: z.string(),
    object: z.literal('model'),
    created: z.int(),
    owned_by: z.string(),
    gateway: z
      .looseObject({
        candidates: z.array(z.string()).nullable(),
        context_window: z.int().nullable(),
        max_output_tokens: z.int().nullable(),
        input_modalities: z.array(z.string()).nullable(),
        output_modalities: z.array(z.string()).nullable(),
        capabilities: z.array(z.string()).nullable(),
        usd_per_million: z.record(z.string(), z.string()),
      })
      .describe('What the gateway knows of it beside.'),
  })
  .meta({ id: 'Model' });

/** `GET /v1/me`. */
export const meSchema = z
  .object({
    customer: z.object({ id: z.string(), externalId: z.string() }),
    key: z.object({ id: z.string(), type: z.string(), name: z.string() }),
    subscription: z
      .object({
        status: z.enum(SUBSCRIPTION_STATUSES),
        plan: z.object({ id: z.string(), version: z.int(), name: z.string() }),
        period: z.object({ id: z.string(), start: z.iso.datetime(), end: z.iso.datetime() }),
      })
      .nullable(),
    limits: z.array(limitStatusSchema),
    wallet: z.object({
      currency: z.literal('USD'),
      balance: z.string().describe('What calls can draw on now, less the debt.'),
      held: z.string().describe('Reserved by calls in flight.'),
      debt: z.string(),
    }),
    models: z.array(z.string()),
  })
  .meta({ id: 'Me' });
