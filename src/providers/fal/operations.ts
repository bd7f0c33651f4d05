/**
 * The operations, each as one submission of its model.
 *
 * @module
 */
import type { TranscriptionProvider } from '../../contracts/transcription-provider.ts';
import {
  backgroundRemovalOf,
  faceSwapOf,
  imageEditOf,
  imageGenerationOf,
  imageUpscaleOf,
  modelAt,
  submitted,
  videoOf,
  type JsonServer,
} from '../json-operations.ts';
import { readStart } from './jobs.ts';
import { MODELS } from './models.ts';
import { FAL_NAMES, submission } from './request.ts';

const server: JsonServer = {
  title: 'fal',
  models: MODELS,
  names: FAL_NAMES,
  request: submission,
  readStart,
};

export const imageGeneration = imageGenerationOf(server);
export const imageEdit = imageEditOf(server);
export const faceSwap = faceSwapOf(server);
export const imageUpscale = imageUpscaleOf(server);
export const backgroundRemoval = backgroundRemovalOf(server);
export const video = videoOf(server);

export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    const { task, durationMs } = options;
    const isTranslation = task === 'translate';
    const operation = isTranslation ? 'audio.translate' : 'audio.transcribe';
    const model = modelAt(server, target, operation);
    const asked = {
      options: {
        language: options.language,
        prompt: options.prompt,
        temperature: options.temperature,
        speakers: options.speakers ? true : null,
      },
      media: { audio: [{ type: 'bytes' as const, ...options.audio }] },
      extra: { task, chunk_level: 'segment', ...options.extra },
    };
    const facts = () => ({ usage: { audio_ms: durationMs }, modelServed: null, dimensions: {} });
    return submitted(server, target, { model, work: { asked, facts } });
  },
};
