/**
 * Pictures made, edited, and with another face.
 *
 * @module
 */
import type { FaceSwapProvider } from '../../contracts/face-swap-provider.ts';
import type { ImageEditProvider, ImageGenerationProvider } from '../../contracts/image-provider.ts';
import { editCall, pictureCall, pictureFacts, picturesPerCall } from '../json-calls.ts';
import { MODELS } from './models.ts';
import { submission } from './jobs.ts';
import { submissionRequest, waveSpeedModel } from './request.ts';

export const imageGeneration: ImageGenerationProvider = {
  perCall: picturesPerCall(MODELS, 'image.generate'),
  generate(options, target) {
    const model = waveSpeedModel(target, 'image.generate');
    const { asked, warnings } = pictureCall(model, options);
    const { request, warnings: more } = submissionRequest(model, target, asked);
    return submission({ request, warnings: [...warnings, ...more] }, pictureFacts(1));
  },
};

export const imageEdit: ImageEditProvider = {
  perCall: picturesPerCall(MODELS, 'image.edit'),
  edit(options, target) {
    const model = waveSpeedModel(target, 'image.edit');
    const { asked, warnings } = editCall(model, options);
    const { request, warnings: more } = submissionRequest(model, target, asked);
    return submission({ request, warnings: [...warnings, ...more] }, pictureFacts(1));
  },
};

export const faceSwap: FaceSwapProvider = {
  swapFace(options, target) {
    const model = waveSpeedModel(target, 'image.face_swap');
    const prepared = submissionRequest(model, target, {
      options: {
        target_index: options.targetIndex,
        target_gender: options.targetGender,
        output_format: options.outputFormat,
      },
      media: { image: [options.image], face_image: [options.faceImage] },
      extra: options.extra,
    });
    return submission(prepared, pictureFacts(1));
  },
};
