/**
 * Face swaps, larger pictures and pictures without background on the built-in simulator: forms at `/images/…`, answered
 * in the shape of OpenAI's pictures.
 *
 * @module
 */
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { ImageGenerationResult } from '../../contracts/image-provider.ts';
import type { MediaExchange, SentMedia } from '../../contracts/media.ts';
import type { ProviderDefinition } from '../../contracts/provider.ts';
import type { ProviderTarget } from '../../contracts/wire.ts';
import { readImages } from '../openai-compatible/media/image-results.ts';
import { filePart, textParts } from '../openai-compatible/media/images.ts';
import { formRequest } from '../openai-compatible/media/server.ts';
import { simMedia } from './media.ts';

interface Form {
  readonly path: string;
  readonly files: Readonly<Record<string, SentMedia>>;
  readonly members: Readonly<Record<string, unknown>>;
}

function send(target: ProviderTarget, form: Form): MediaExchange<ImageGenerationResult> {
  const files = Object.entries(form.files).map(([name, media]) => {
    if (media.type === 'bytes') return filePart(name, media);
    throw new GatewayError('invalid_request', {
      message: `The simulator takes bytes of ${name}, and no address.`,
      param: name,
    });
  });
  const parts = [...textParts({ model: target.model, ...form.members }), ...files];
  return {
    request: formRequest(simMedia, target, { path: form.path, parts }),
    warnings: [],
    read: readImages,
  };
}

/** What the simulator has beside OpenAI's routes of pictures. */
export const simPictureTools: Required<
  Pick<ProviderDefinition, 'faceSwap' | 'imageUpscale' | 'backgroundRemoval'>
> = {
  faceSwap: {
    swapFace: ({ image, faceImage, targetIndex, targetGender, outputFormat, extra }, target) =>
      send(target, {
        path: '/images/face-swaps',
        files: { image, face_image: faceImage },
        members: {
          target_index: targetIndex,
          target_gender: targetGender,
          output_format: outputFormat,
          ...extra,
        },
      }),
  },
  imageUpscale: {
    upscale: ({ image, scale, mode, prompt, outputFormat, extra }, target) =>
      send(target, {
        path: '/images/upscales',
        files: { image },
        members: { scale, mode, prompt, output_format: outputFormat, ...extra },
      }),
  },
  backgroundRemoval: {
    removeBackground: ({ image, outputFormat, extra }, target) =>
      send(target, {
        path: '/images/background-removals',
        files: { image },
        members: { output_format: outputFormat, ...extra },
      }),
  },
};
