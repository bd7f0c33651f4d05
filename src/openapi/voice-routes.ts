/**
 * The routes of voices as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';
import { voiceCloneSchema } from '../dialects/openai/audio/voice-clones.ts';
import { voiceQuerySchema, voiceSchema } from '../dialects/openai/audio/voice-shape.ts';
import { CALL_HEADERS, CUSTOMER_HEADERS, PROVIDER_REPLY_HEADERS } from './data-plane-headers.ts';
import type { RouteDescription } from './route-description.ts';

const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
const file = z.string().meta({ format: 'binary' });
const named = z.string().describe('A data URL, an https URL or the id of an asset.');

const cloneJson = voiceCloneSchema
  .extend({ samples: z.union([named, z.array(named).max(25)]).describe('Recordings of the voice.') })
  .meta({ id: 'VoiceRequest' });
const cloneForm = voiceCloneSchema
  .extend({ samples: z.union([file, z.array(file).max(25)]).describe('`samples`, or several `samples[]`.') })
  .meta({ id: 'VoiceForm' });

const madeVoice = voiceSchema
  .extend({ usage: z.object({ cost: z.string(), estimated: z.boolean().optional() }) })
  .meta({ id: 'MadeVoice' });

const voiceList = z
  .object({
    object: z.literal('list'),
    data: z.array(voiceSchema),
    next_cursor: z.string().nullable().describe('Of the caller’s own voices, which come first.'),
    errors: z
      .array(z.object({ provider: z.string(), code: z.string(), message: z.string() }))
      .optional()
      .describe('Providers that have not told their voices.'),
  })
  .meta({ id: 'VoiceList' });

/** @param errors codes of every call that is judged, dispatched and booked */
export function voiceRouteDescriptions(errors: readonly ErrorCode[]): readonly RouteDescription[] {
  const common = { tag: 'audio', access: 'data' } as const;
  return [
    {
      ...common,
      method: 'get',
      path: '/v1/audio/voices',
      operationId: 'listVoices',
      summary: 'List voices',
      description:
        'The caller’s own voices, then those that providers have for everyone. Costs nothing.',
      headers: CUSTOMER_HEADERS,
      query: voiceQuerySchema,
      reply: { status: 200, description: 'Voices.', content: json(voiceList) },
      errors: ['invalid_request', 'metering_unavailable'],
    },
    {
      ...common,
      method: 'post',
      path: '/v1/audio/voices',
      operationId: 'createVoice',
      summary: 'Make a voice of recordings',
      description:
        'Only of somebody who agrees: `consent` is on record before a provider is asked. The voice answers its customer alone.',
      headers: CALL_HEADERS,
      body: {
        schema: cloneJson,
        otherContent: { 'multipart/form-data': { schema: cloneForm } },
        required: true,
      },
      reply: {
        status: 200,
        description: 'Made.',
        content: json(madeVoice),
        headers: PROVIDER_REPLY_HEADERS,
      },
      errors,
    },
    {
      ...common,
      method: 'delete',
      path: '/v1/audio/voices/{id}',
      operationId: 'deleteVoice',
      summary: 'Remove a voice',
      description: 'Nobody speaks with it any more. That its provider forgets it is tried once.',
      headers: CUSTOMER_HEADERS,
      params: z.object({ id: z.string().describe('`voice_…`') }),
      reply: {
        status: 200,
        description: 'Removed.',
        content: json(
          z.object({ id: z.string(), object: z.literal('voice'), deleted: z.literal(true) }),
        ),
      },
      errors: ['not_found', 'metering_unavailable'],
    },
  ];
}
