/**
 * Options of pictures and clips as models that take one JSON object are told them ({@link JsonModel}).
 *
 * @module
 */
import type { ImageEditOptions, ImageOptions } from '../contracts/image-provider.ts';
import type { ResultFacts, SentMedia } from '../contracts/media.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import type { VideoOptions } from '../contracts/video-provider.ts';
import { refusal, shapeOptions, type Asked, type JsonModel } from './json-models.ts';

/** A call of a model, and what had to be said otherwise. */
export interface JsonCall {
  readonly asked: Asked;
  readonly warnings: readonly ProviderWarning[];
}

function some(media: SentMedia | null): readonly SentMedia[] {
  return media === null ? [] : [media];
}

function mostPictures(model: JsonModel): number {
  const rule = model.options['n'];
  return rule?.type === 'range' ? rule.max : 1;
}

/** Pictures that a model of the table makes in one call; of a model that it does not have, one. */
export function picturesPerCall(
  models: readonly JsonModel[],
  operation: JsonModel['operation'],
): (model: string) => number {
  return (model) => {
    const known = models.find((one) => one.id === model && one.operation === operation);
    return known === undefined ? 1 : mostPictures(known);
  };
}

/** @throws GatewayError naming `n` where the model makes fewer pictures a call */
function assertCount({ n }: ImageOptions, model: JsonModel): void {
  const most = mostPictures(model);
  if (n > most) {
    throw refusal(
      'n',
      `${model.id} makes at most ${most} of them a call: ask for fewer at a time.`,
    );
  }
}

/** @throws GatewayError naming an option that the model cannot take */
export function pictureCall(model: JsonModel, options: ImageOptions): JsonCall {
  assertCount(options, model);
  const shape = shapeOptions(model, { size: options.size, resolution: null, aspectRatio: null });
  return {
    asked: {
      options: {
        prompt: options.prompt === '' ? null : options.prompt,
        negative_prompt: options.negativePrompt,
        n: options.n === 1 ? null : options.n,
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
      },
      media: {},
      extra: options.extra,
    },
    warnings: shape.warnings,
  };
}

/** @throws GatewayError naming a way of editing that is not by words, or an option that the model cannot take */
export function editCall(model: JsonModel, options: ImageEditOptions): JsonCall {
  const { mode, expand } = options;
  if (mode !== null && mode !== 'instruct') {
    throw refusal('mode', `${model.id} is told what to change: instruct, not ${mode}.`);
  }
  if (expand !== null) throw refusal('expand', `${model.id} cannot make a picture grow.`);
  const { asked, warnings } = pictureCall(model, options);
  return {
    asked: {
      ...asked,
      options: {
        ...asked.options,
        search: options.search,
        strength: options.strength,
        input_fidelity: options.inputFidelity,
      },
      media: {
        image: options.images.map((image): SentMedia => ({ type: 'bytes', ...image })),
        mask: options.mask === null ? [] : [{ type: 'bytes', ...options.mask }],
      },
    },
    warnings,
  };
}

/** @throws GatewayError naming a resolution that the model has no size for */
export function clipCall(model: JsonModel, options: VideoOptions): JsonCall {
  const shape = shapeOptions(model, options);
  return {
    asked: {
      options: {
        prompt: options.prompt === '' ? null : options.prompt,
        negative_prompt: options.negativePrompt,
        seconds: options.seconds,
        generate_audio: options.withAudio,
        target_index: options.targetIndex,
        target_gender: options.targetGender,
        seed: options.seed,
        ...shape.options,
      },
      media: {
        image: some(options.image),
        last_image: some(options.lastImage),
        references: options.references,
        video: some(options.video),
        audio: some(options.audio),
      },
      extra: options.extra,
    },
    warnings: shape.warnings,
  };
}

/** So many pictures, at one price. */
export function pictureFacts(count: number): ResultFacts {
  return { usage: { images: count }, modelServed: null, dimensions: {} };
}

/**
 * One clip as long as was sent to the provider, where that is known; else its length is measured in the clip itself.
 *
 * @param sentSeconds what stands in the request, clamped
 */
export function clipFacts(options: VideoOptions, sentSeconds: unknown): ResultFacts {
  const { resolution, withAudio } = options;
  const given = Number(sentSeconds ?? Number.NaN);
  const seconds = Number.isFinite(given) ? given : options.seconds;
  return {
    usage: {
      video_clips: 1,
      ...(seconds === null ? {} : { video_ms: Math.round(seconds * 1000) }),
    },
    modelServed: null,
    dimensions: {
      ...(resolution === null ? {} : { resolution }),
      ...(withAudio === null ? {} : { audio: withAudio ? 'on' : 'off' }),
    },
  };
}
