/**
 * Replicate: pictures and clips by many models, every call of them a prediction.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
import { jobs } from './jobs.ts';
import { MODELS } from './models.ts';
import {
  backgroundRemoval,
  imageEdit,
  imageGeneration,
  imageUpscale,
  video,
} from './operations.ts';
import { VERSION_SEGMENT } from './request.ts';

export const replicate: ProviderDefinition = {
  id: 'replicate',
  title: 'Replicate',
  environment: {
    credential: ['REPLICATE_API_TOKEN', 'REPLICATE_API_KEY'],
    baseUrl: 'REPLICATE_BASE_URL',
  },
  defaultBaseUrl: 'https://api.replicate.com',
  versionSegment: VERSION_SEGMENT,
  documentation: 'https://replicate.com/docs/reference/http',
  // A client that leaves does not stop a prediction.
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'x-request-id',
  imageGeneration,
  imageEdit,
  imageUpscale,
  backgroundRemoval,
  video,
  jobs,
  mediaModels: MODELS,
  readError,
};
