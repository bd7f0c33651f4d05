/**
 * Deepgram: listening and speaking.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
import { MODELS, VOICES } from './models.ts';
import { VERSION_SEGMENT } from './request.ts';
import { speech } from './speech.ts';
import { transcription } from './transcription.ts';

export const deepgram: ProviderDefinition = {
  id: 'deepgram',
  title: 'Deepgram',
  environment: { credential: ['DEEPGRAM_API_KEY'], baseUrl: 'DEEPGRAM_BASE_URL' },
  defaultBaseUrl: 'https://api.deepgram.com',
  versionSegment: VERSION_SEGMENT,
  documentation: 'https://developers.deepgram.com/reference/deepgram-api-overview',
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'dg-request-id',
  speech,
  transcription,
  voices: { known: VOICES },
  mediaModels: MODELS,
  readError,
};
