/**
 * Stability AI's pictures: made, edited, made larger, without their background.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { ENDPOINTS } from './endpoints.ts';
import { readError } from './errors.ts';
import { backgroundRemoval, imageEdit, imageGeneration, imageUpscale } from './images.ts';
import { jobs } from './jobs.ts';
import { VERSION_SEGMENT } from './request.ts';

export const stability: ProviderDefinition = {
  id: 'stability',
  title: 'Stability AI',
  environment: { credential: ['STABILITY_API_KEY'], baseUrl: 'STABILITY_BASE_URL' },
  defaultBaseUrl: 'https://api.stability.ai',
  versionSegment: VERSION_SEGMENT,
  documentation: 'https://platform.stability.ai/docs/api-reference',
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'x-request-id',
  imageGeneration,
  imageEdit,
  imageUpscale,
  backgroundRemoval,
  jobs,
  mediaModels: ENDPOINTS,
  readError,
};
