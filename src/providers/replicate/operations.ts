/**
 * The operations, each as one prediction of its model.
 *
 * @module
 */
import type { BackgroundRemovalProvider } from '../../contracts/background-removal-provider.ts';
import type { ImageEditProvider, ImageGenerationProvider } from '../../contracts/image-provider.ts';
import type { ImageUpscaleProvider } from '../../contracts/image-upscale-provider.ts';
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
import { replicateModel, submissionRequest } from './request.ts';

export const imageGeneration: ImageGenerationProvider = {
  perCall: picturesPerCall(MODELS, 'image.generate'),
  generate(options, target) {
    const model = replicateModel(target, 'image.generate');
    const { asked, warnings } = pictureCall(model, options);
    const { request, warnings: more } = submissionRequest(model, target, asked);
    return submission({ request, warnings: [...warnings, ...more] }, pictureFacts(options.n));
  },
};

export const imageEdit: ImageEditProvider = {
  perCall: picturesPerCall(MODELS, 'image.edit'),
  edit(options, target) {
    const model = replicateModel(target, 'image.edit');
    const { asked, warnings } = editCall(model, options);
    const { request, warnings: more } = submissionRequest(model, target, asked);
    return submission({ request, warnings: [...warnings, ...more] }, pictureFacts(1));
  },
};

export const imageUpscale: ImageUpscaleProvider = {
  upscale(options, target) {
    const model = replicateModel(target, 'image.upscale');
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
    return submission(prepared, pictureFacts(1));
  },
};

export const backgroundRemoval: BackgroundRemovalProvider = {
  removeBackground(options, target) {
    const model = replicateModel(target, 'image.remove_background');
    const prepared = submissionRequest(model, target, {
      options: { output_format: options.outputFormat },
      media: { image: [options.image] },
      extra: options.extra,
    });
    return submission(prepared, pictureFacts(1));
  },
};

export const video: VideoProvider = {
  has: (operation, model) => MODELS.some((one) => one.operation === operation && one.id === model),
  start(options, target) {
    const model = replicateModel(target, options.operation);
    const { asked, warnings } = clipCall(model, options);
    const { request, values, warnings: more } = submissionRequest(model, target, asked);
    const facts = clipFacts(options, values['seconds']);
    return submission({ request, warnings: [...warnings, ...more] }, facts);
  },
};
