/**
 * The Deepgram wire: `/v1/listen` and `/v1/speak`.
 *
 * @module
 */
import { bareContext } from '../core/error-table.ts';
import type { SimulatorFamily } from '../core/family.ts';
import { deepgramError } from './errors.ts';
import { listenRoute } from './listen.ts';
import { speakRoute } from './speak.ts';

export const deepgramFamily: SimulatorFamily = {
  name: 'deepgram',
  route(call) {
    if (call.method !== 'POST') return null;
    if (call.path === '/v1/listen') return listenRoute(call);
    return call.path === '/v1/speak' ? speakRoute(call) : null;
  },
  credentialOf: (call) => /^Token\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
  error: deepgramError,
  notFound: (call) => deepgramError('not_found', bareContext(call.id)),
  unauthorised: (call) => deepgramError('auth', bareContext(call.id)),
};
