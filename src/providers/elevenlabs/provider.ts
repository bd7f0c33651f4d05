/**
 * ElevenLabs: speaking, listening, and voices made of recordings.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
import { MODELS } from './models.ts';
import { VERSION_SEGMENT } from './request.ts';
import { speech } from './speech.ts';
import { transcription } from './transcription.ts';
import { voiceClone, voices } from './voices.ts';

export const elevenLabs: ProviderDefinition = {
  id: 'elevenlabs',
  title: 'ElevenLabs',
  environment: { credential: ['ELEVENLABS_API_KEY'], baseUrl: 'ELEVENLABS_BASE_URL' },
  defaultBaseUrl: 'https://api.elevenlabs.io',
  versionSegment: VERSION_SEGMENT,
  documentation: 'https://elevenlabs.io/docs/api-reference/introduction',
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'request-id',
  speech,
  transcription,
  voices,
  voiceClone,
  mediaModels: MODELS,
  readError,
};
