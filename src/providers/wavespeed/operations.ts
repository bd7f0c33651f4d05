/**
 * Pictures and clips, each as one task of its model.
 *
 * @module
 */
import {
  faceSwapOf,
  imageEditOf,
  imageGenerationOf,
  videoOf,
  type JsonServer,
} from '../json-operations.ts';
import { readStart } from './jobs.ts';
import { MODELS } from './models.ts';
import { submission, WIRE_NAMES } from './request.ts';

/** What differs between WaveSpeed and others whose models are told what to do by one JSON object. */
export const waveSpeedServer: JsonServer = {
  title: 'WaveSpeed',
  models: MODELS,
  names: WIRE_NAMES,
  request: submission,
  readStart,
};

export const imageGeneration = imageGenerationOf(waveSpeedServer);
export const imageEdit = imageEditOf(waveSpeedServer);
export const faceSwap = faceSwapOf(waveSpeedServer);
export const video = videoOf(waveSpeedServer);
