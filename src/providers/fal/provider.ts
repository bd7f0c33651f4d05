/**
 * fal: pictures, clips and transcripts by many models, all of them through its queue.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
import { jobs } from './jobs.ts';
import { MODELS } from './models.ts';
import {
  backgroundRemoval,
  faceSwap,
  imageEdit,
  imageGeneration,
  imageUpscale,
  transcription,
  video,
} from './operations.ts';

export const fal: ProviderDefinition = {
  id: 'fal',
  title: 'fal',
  environment: { credential: ['FAL_KEY', 'FAL_API_KEY'], baseUrl: 'FAL_BASE_URL' },
  defaultBaseUrl: 'https://queue.fal.run',
  versionSegment: '',
  documentation: 'https://docs.fal.ai/model-apis/model-endpoints/queue',
  // A client that leaves does not stop a request.
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'x-fal-request-id',
  imageGeneration,
  imageEdit,
  faceSwap,
  imageUpscale,
  backgroundRemoval,
  transcription,
  video,
  jobs,
  mediaModels: MODELS,
  readError,
};
