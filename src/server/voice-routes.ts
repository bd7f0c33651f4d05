/**
 * Voices: a customer's own and those that providers have for everyone.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { Voice } from '../contracts/voice-provider.ts';
import { parsePart } from '../dialects/admin/admin-route.ts';
import {
  showOwnVoices,
  showProviderVoice,
  voiceQuerySchema,
} from '../dialects/openai/audio/voice-shape.ts';
import { voiceClonesDialect } from '../dialects/openai/audio/voice-clones.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { ConfiguredProvider, Gateway } from '../gateway/gateway.ts';
import { serve } from '../gateway/pipeline.ts';
import { askProvider, questionTarget } from '../gateway/provider-question.ts';
import type { Route } from './routes.ts';
import { callerOf, sendJson } from './self-service.ts';
import { queryOf } from './serve-usage.ts';

/** A provider that does not answer hides nobody else's voices. */
type Listed =
  | { readonly type: 'voices'; readonly provider: string; readonly voices: readonly Voice[] }
  | { readonly type: 'failed'; readonly provider: string };

async function voicesOf(gateway: Gateway, provider: ConfiguredProvider): Promise<Listed> {
  const { id, voices } = provider.definition;
  if (voices === undefined) return { type: 'voices', provider: id, voices: [] };
  if (voices.known !== null) return { type: 'voices', provider: id, voices: voices.known };
  const exchange = voices.list?.(questionTarget(provider));
  if (exchange === undefined) return { type: 'voices', provider: id, voices: [] };
  try {
    const reply = await askProvider(gateway, provider, exchange);
    return { type: 'voices', provider: id, voices: exchange.read(reply).voices };
  } catch (error) {
    gateway.recorder.fault(error, { task: 'voices', provider: id });
    return { type: 'failed', provider: id };
  }
}

/** An account of a provider lists what was made for any customer of this gateway: none of it is shown. */
async function withoutMade(gateway: Gateway, listed: Listed): Promise<Listed> {
  if (listed.type === 'failed') return listed;
  const known = await gateway.store.voices.knownAs(listed.voices.map(({ id }) => id));
  const made = new Set(
    known.filter((voice) => voice.made?.provider === listed.provider).map((v) => v.made?.voiceId),
  );
  return { ...listed, voices: listed.voices.filter(({ id }) => !made.has(id)) };
}

async function serveList(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const {
    provider: only,
    limit,
    cursor = null,
  } = parsePart(voiceQuerySchema, queryOf(exchange), 'query parameter');
  const own = await gateway.store.voices.list({ customerId: customer.id, limit, cursor });
  const asked = [...gateway.providers.values()].filter(
    ({ definition }) => only === undefined || definition.id === only,
  );
  // Later pages are of the caller's own.
  const listed =
    cursor === null
      ? await Promise.all(
          asked.map(async (one) => withoutMade(gateway, await voicesOf(gateway, one))),
        )
      : [];
  const ofProviders = listed.flatMap((one) =>
    one.type === 'voices' ? one.voices.map((voice) => showProviderVoice(voice, one.provider)) : [],
  );
  const errors = listed.flatMap((one) =>
    one.type === 'failed'
      ? [{ provider: one.provider, code: 'provider_error', message: 'It has not answered.' }]
      : [],
  );
  const shown = showOwnVoices(own.data).filter(
    ({ provider }) => only === undefined || provider === only,
  );
  sendJson(gateway, exchange, {
    object: 'list',
    data: [...shown, ...ofProviders],
    next_cursor: own.nextCursor,
    ...(errors.length === 0 ? {} : { errors }),
  });
}

function unknownVoice(id: string): GatewayError {
  return new GatewayError('not_found', { message: `There is no voice "${id.slice(0, 100)}".` });
}

/** Nobody speaks with it from here on; that its provider forgets it as well is tried once. */
async function serveDelete(gateway: Gateway, exchange: Exchange, id: string): Promise<void> {
  const { customer } = callerOf(gateway, exchange);
  const { voices } = gateway.store;
  const voice = await voices.voice(id);
  const made = voice?.made ?? null;
  if (voice?.customerId !== customer.id || made === null) throw unknownVoice(id);
  if (!(await voices.remove(id, gateway.clock.nowMs()))) throw unknownVoice(id);
  const provider = gateway.providers.get(made.provider);
  const request = provider?.definition.voiceClone?.remove?.(
    made.voiceId,
    questionTarget(provider, made.model),
  );
  if (provider !== undefined && request !== undefined) {
    try {
      await askProvider(gateway, provider, { request });
    } catch (error) {
      gateway.recorder.fault(error, { task: 'remove-voice', voice: id });
    }
  }
  sendJson(gateway, exchange, { id, object: 'voice', deleted: true });
}

/** Every route of voices. */
export function voiceRoutes(gateway: Gateway): readonly Route[] {
  return [
    {
      method: 'GET',
      path: '/v1/audio/voices',
      isWork: false,
      handle: (exchange) => serveList(gateway, exchange),
    },
    {
      method: 'POST',
      path: '/v1/audio/voices',
      isWork: true,
      handle: (exchange) => serve(gateway, exchange, voiceClonesDialect),
    },
    {
      method: 'DELETE',
      path: '/v1/audio/voices/',
      isWork: false,
      handle: (exchange, id) => serveDelete(gateway, exchange, id),
    },
  ];
}
