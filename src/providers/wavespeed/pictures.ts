/**
 * Pictures made, edited, and with another face.
 *
 * @module
 */
import type { FaceSwapProvider } from '../../contracts/face-swap-provider.ts';
import type {
  ImageEditOptions,
  ImageEditProvider,
  ImageGenerationProvider,
  ImageOptions,
} from '../../contracts/image-provider.ts';
import type { MediaInput, ResultFacts, SentMedia } from '../../contracts/media.ts';
import type { ProviderTarget } from '../../contracts/wire.ts';
import type { OptionValue } from '../media-options.ts';
import { refusal, shapeOptions, type JsonModel } from '../json-models.ts';
import { submission } from './jobs.ts';
import { submissionRequest, waveSpeedModel } from './request.ts';

const ONE_PICTURE: ResultFacts = { usage: { images: 1 }, modelServed: null, dimensions: {} };

function factsOf(resolution: OptionValue | undefined): ResultFacts {
  return typeof resolution === 'string'
    ? { ...ONE_PICTURE, dimensions: { resolution } }
    : ONE_PICTURE;
}

function sent(input: MediaInput): SentMedia {
  return { type: 'bytes', ...input };
}

/** One picture a call. @throws GatewayError naming `n` */
function assertOne({ n }: ImageOptions, { model }: ProviderTarget): void {
  if (n > 1) throw refusal('n', `${model} makes one picture a call: ask for one at a time.`);
}

function pictureOptions(model: JsonModel, options: ImageOptions) {
  const shape = shapeOptions(model, { size: options.size, resolution: null, aspectRatio: null });
  const given: Readonly<Record<string, OptionValue>> = {
    prompt: options.prompt === '' ? null : options.prompt,
    negative_prompt: options.negativePrompt,
    quality: options.quality,
    style: options.style,
    background: options.background,
    output_format: options.outputFormat,
    output_compression: options.outputCompression,
    moderation: options.moderation,
    guidance_scale: options.guidanceScale,
    steps: options.steps,
    seed: options.seed,
    user: options.user,
    ...shape.options,
  };
  return { given, warnings: shape.warnings };
}

export const imageGeneration: ImageGenerationProvider = {
  generate(options, target) {
    assertOne(options, target);
    const model = waveSpeedModel(target, 'image.generate');
    const { given, warnings } = pictureOptions(model, options);
    const prepared = submissionRequest(model, target, {
      options: given,
      media: {},
      extra: options.extra,
    });
    return submission({ ...prepared, warnings: [...warnings, ...prepared.warnings] }, ONE_PICTURE);
  },
};

/** @throws GatewayError naming a way of editing that no model here has */
function assertInstructed({ mode, expand }: ImageEditOptions, model: JsonModel): void {
  if (mode !== null && mode !== 'instruct') {
    throw refusal('mode', `${model.id} is told what to change: instruct, not ${mode}.`);
  }
  if (expand !== null) throw refusal('expand', `${model.id} cannot make a picture grow.`);
}

export const imageEdit: ImageEditProvider = {
  edit(options, target) {
    assertOne(options, target);
    const model = waveSpeedModel(target, 'image.edit');
    assertInstructed(options, model);
    const { given, warnings } = pictureOptions(model, options);
    const prepared = submissionRequest(model, target, {
      options: {
        ...given,
        search: options.search,
        strength: options.strength,
        input_fidelity: options.inputFidelity,
      },
      media: {
        image: options.images.map(sent),
        mask: options.mask === null ? [] : [sent(options.mask)],
      },
      extra: options.extra,
    });
    const facts = factsOf(
      typeof options.extra['resolution'] === 'string' ? options.extra['resolution'] : undefined,
    );
    return submission({ ...prepared, warnings: [...warnings, ...prepared.warnings] }, facts);
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
    return submission(prepared, ONE_PICTURE);
  },
};
