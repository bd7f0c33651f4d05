/**
 * WaveSpeed: pictures, clips, faces and sound by many models, every call of them a task.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import { readError } from './errors.ts';
import { jobs } from './jobs.ts';
import { MODELS } from './models.ts';
import { faceSwap, imageEdit, imageGeneration, video } from './operations.ts';
import { prices } from './prices.ts';
import { VERSION_SEGMENT } from './request.ts';
import { speech, transcription, voiceClone, voices } from './sounds.ts';

export const waveSpeed: ProviderDefinition = {
  id: 'wavespeed',
  title: 'WaveSpeed',
  environment: { credential: ['WAVESPEED_API_KEY'], baseUrl: 'WAVESPEED_BASE_URL' },
  defaultBaseUrl: 'https://api.wavespeed.ai',
  versionSegment: VERSION_SEGMENT,
  documentation: 'https://wavespeed.ai/docs',
  // A client that leaves does not stop a task.
  disconnect: { onClientGone: 'drain' },
  requestIdHeader: 'x-request-id',
  imageGeneration,
  imageEdit,
  faceSwap,
  speech,
  voices,
  voiceClone,
  transcription,
  video,
  jobs,
  prices,
  mediaModels: MODELS,
  readError,
};
