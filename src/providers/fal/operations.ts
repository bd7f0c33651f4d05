/**
 * The operations, each as one submission of its model.
 *
 * @module
 */
import type { BackgroundRemovalProvider } from '../../contracts/background-removal-provider.ts';
import type { FaceSwapProvider } from '../../contracts/face-swap-provider.ts';
import type { ImageEditProvider, ImageGenerationProvider } from '../../contracts/image-provider.ts';
import type { ImageUpscaleProvider } from '../../contracts/image-upscale-provider.ts';
import type { TranscriptionProvider } from '../../contracts/transcription-provider.ts';
import type { VideoProvider } from '../../contracts/video-provider.ts';
import {
  clipCall,
  clipFacts,
  editCall,
  pictureCall,
  pictureFacts,
  picturesPerCall,
} from '../json-calls.ts';
import { submission } from './jobs.ts';
import { MODELS } from './models.ts';
import { falModel, submissionRequest } from './request.ts';

export const imageGeneration: ImageGenerationProvider = {
  perCall: picturesPerCall(MODELS, 'image.generate'),
  generate(options, target) {
    const model = falModel(target, 'image.generate');
    const { asked, warnings } = pictureCall(model, options);
    const prepared = submissionRequest(model, target, asked);
    const all = { request: prepared.request, warnings: [...warnings, ...prepared.warnings] };
    return submission(all, pictureFacts(options.n), target);
  },
};

export const imageEdit: ImageEditProvider = {
  perCall: picturesPerCall(MODELS, 'image.edit'),
  edit(options, target) {
    const model = falModel(target, 'image.edit');
    const { asked, warnings } = editCall(model, options);
    const prepared = submissionRequest(model, target, asked);
    const all = { request: prepared.request, warnings: [...warnings, ...prepared.warnings] };
    return submission(all, pictureFacts(options.n), target);
  },
};

export const faceSwap: FaceSwapProvider = {
  swapFace(options, target) {
    const model = falModel(target, 'image.face_swap');
    const prepared = submissionRequest(model, target, {
      options: {
        target_index: options.targetIndex,
        target_gender: options.targetGender,
        output_format: options.outputFormat,
      },
      media: { image: [options.image], face_image: [options.faceImage] },
      extra: options.extra,
    });
    return submission(prepared, pictureFacts(1), target);
  },
};

export const imageUpscale: ImageUpscaleProvider = {
  upscale(options, target) {
    const model = falModel(target, 'image.upscale');
    const prepared = submissionRequest(model, target, {
      options: {
        scale: options.scale,
        mode: options.mode,
        prompt: options.prompt,
        output_format: options.outputFormat,
      },
      media: { image: [options.image] },
      extra: options.extra,
    });
    return submission(prepared, pictureFacts(1), target);
  },
};

export const backgroundRemoval: BackgroundRemovalProvider = {
  removeBackground(options, target) {
    const model = falModel(target, 'image.remove_background');
    const prepared = submissionRequest(model, target, {
      options: { output_format: options.outputFormat },
      media: { image: [options.image] },
      extra: options.extra,
    });
    return submission(prepared, pictureFacts(1), target);
  },
};

export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    const { task, durationMs } = options;
    const isTranslation = task === 'translate';
    const model = falModel(target, isTranslation ? 'audio.translate' : 'audio.transcribe');
    const prepared = submissionRequest(model, target, {
      options: {
        language: options.language,
        prompt: options.prompt,
        temperature: options.temperature,
        speakers: options.speakers ? true : null,
      },
      media: { audio: [{ type: 'bytes', ...options.audio }] },
      extra: { task, chunk_level: 'segment', ...options.extra },
    });
    const facts = { usage: { audio_ms: durationMs }, modelServed: null, dimensions: {} };
    return submission(prepared, facts, target);
  },
};

export const video: VideoProvider = {
  has: (operation, model) => MODELS.some((one) => one.operation === operation && one.id === model),
  start(options, target) {
    const model = falModel(target, options.operation);
    const { asked, warnings } = clipCall(model, options);
    const prepared = submissionRequest(model, target, asked);
    const all = { request: prepared.request, warnings: [...warnings, ...prepared.warnings] };
    return submission(all, clipFacts(options, prepared.values['seconds']), target);
  },
};
