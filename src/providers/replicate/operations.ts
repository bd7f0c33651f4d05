/**
 * The operations, each as one prediction of its model.
 *
 * @module
 */
import {
  backgroundRemovalOf,
  imageEditOf,
  imageGenerationOf,
  imageUpscaleOf,
  videoOf,
  type JsonServer,
} from '../json-operations.ts';
import { readStart } from './jobs.ts';
import { MODELS } from './models.ts';
import { REPLICATE_NAMES, submission } from './request.ts';

const server: JsonServer = {
  title: 'Replicate',
  models: MODELS,
  names: REPLICATE_NAMES,
  request: submission,
  readStart,
};

export const imageGeneration = imageGenerationOf(server);
export const imageEdit = imageEditOf(server);
export const imageUpscale = imageUpscaleOf(server);
export const backgroundRemoval = backgroundRemovalOf(server);
export const video = videoOf(server);
