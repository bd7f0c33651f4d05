/**
 * The ElevenLabs wire: speech, transcripts, voices.
 *
 * @module
 */
import { bareContext } from '../core/error-table.ts';
import type { SimulatorFamily } from '../core/family.ts';
import { decodeSegment } from '../core/json.ts';
import { elevenLabsError } from './errors.ts';
import { speechRoute } from './speech.ts';
import { transcriptionRoute } from './transcription.ts';
import { VoiceBook } from './voices.ts';

const SPEECH_PATH = /^\/v1\/text-to-speech\/([^/]+)(?:\/stream)?$/;

/** A family with voices of its own. */
export function createElevenLabsFamily(): SimulatorFamily {
  const book = new VoiceBook();
  return {
    name: 'elevenlabs',
    route(call) {
      if (call.method === 'GET' && call.path === '/v1/voices') return book.listRoute(call);
      if (call.method !== 'POST') return null;
      if (call.path === '/v1/voices/add') return book.addRoute(call);
      if (call.path === '/v1/speech-to-text') return transcriptionRoute(call);
      const voice = SPEECH_PATH.exec(call.path)?.[1];
      return voice === undefined ? null : speechRoute(call, decodeSegment(voice), book);
    },
    credentialOf(call) {
      const key = call.headers['xi-api-key'];
      return typeof key === 'string' ? key : null;
    },
    error: elevenLabsError,
    notFound: (call) => elevenLabsError('not_found', bareContext(call.id)),
    unauthorised: (call) => elevenLabsError('auth', bareContext(call.id)),
  };
}
