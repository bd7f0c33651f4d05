/**
 * Pictures from words and from pictures through `generateContent`
 * (https://ai.google.dev/gemini-api/docs/image-generation; recorded gemini-3.1-flash-lite-image, and an edit of 2.0).
 *
 * @module
 */
import type {
  GeneratedImage,
  ImageEditProvider,
  ImageGenerationProvider,
  ImageGenerationResult,
  ImageOptions,
} from '../../../contracts/image-provider.ts';
import type { MediaExchange } from '../../../contracts/media.ts';
import type { ProviderWarning } from '../../../contracts/text.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { mediaTypeOf } from '../../../http/media-type.ts';
import {
  askedOfEdit,
  askedOfImage,
  ESSENTIAL_OF_IMAGES,
  type AskedOptions,
} from '../../asked-options.ts';
import { checkMediaOptions } from '../../media-options.ts';
import { asRecord, asText, type JsonRecord } from '../json.ts';
import { WarningList } from '../warnings.ts';
import {
  failed,
  generateBody,
  inlinePart,
  madeParts,
  methodRequest,
  objectReply,
  onlyWords,
} from './exchange.ts';
import { imageShape, type ImageShape } from './image-size.ts';
import { assertKind, imageFamilyOf, imageModel, type ImageFamily } from './models.ts';

function configOf(shape: ImageShape, seed: unknown): JsonRecord {
  const { aspectRatio, imageSize } = shape;
  const imageConfig = {
    ...(aspectRatio === null ? {} : { aspectRatio }),
    ...(imageSize === null ? {} : { imageSize }),
  };
  return {
    // A model that may speak as well says why where it makes no picture (recorded with both).
    responseModalities: ['TEXT', 'IMAGE'],
    ...(Object.keys(imageConfig).length === 0 ? {} : { imageConfig }),
    ...(seed === undefined ? {} : { seed }),
  };
}

function sizeWarnings({ size }: ImageOptions, shape: ImageShape): readonly ProviderWarning[] {
  if (!shape.isNear) return [];
  const { aspectRatio, imageSize } = shape;
  const sent = [aspectRatio, imageSize].filter((part) => part !== null).join(' in ');
  return [{ option: 'size', action: 'mapped', detail: `${size ?? ''} was asked for as ${sent}.` }];
}

function imageOf(part: JsonRecord): GeneratedImage | null {
  const blob = asRecord(part['inlineData']);
  const data = asText(blob?.['data']);
  if (data === null) return null;
  const bytes = Buffer.from(data, 'base64');
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null || !mediaType.startsWith('image/')) {
    throw failed('malformed_reply', 'Gemini sent something that is no picture.');
  }
  return { bytes, url: null, mediaType, revisedPrompt: null };
}

/** `shape` as it was asked for: the reply says nothing of it. */
function readImages(reply: WireReply, shape: ImageShape): ImageGenerationResult {
  const made = madeParts(objectReply(reply));
  const images = made.parts.flatMap((part) => imageOf(part) ?? []);
  const [first] = images;
  if (first === undefined) throw onlyWords(made, 'a picture');
  return {
    images,
    size: null,
    quality: null,
    background: null,
    outputFormat: first.mediaType?.slice('image/'.length) ?? null,
    usage: { ...made.usage, images: images.length },
    modelServed: made.modelServed,
    dimensions: shape.imageSize === null ? {} : { resolution: shape.imageSize.toLowerCase() },
  };
}

function exchangeOf(
  options: ImageOptions,
  target: ProviderTarget,
  call: {
    readonly family: ImageFamily;
    readonly asked: AskedOptions;
    readonly operation: 'image.generate' | 'image.edit';
    readonly pictures: readonly object[];
  },
): MediaExchange<ImageGenerationResult> {
  const { family, asked, operation, pictures } = call;
  assertKind(target.model, 'pictures');
  const table = imageModel(target.model, family, operation);
  const { values, warnings } = checkMediaOptions(table, asked, ESSENTIAL_OF_IMAGES);
  const shape = imageShape(options.size, family);
  const ownWarnings = new WarningList();
  const prompt = {
    parts: [...pictures, { text: options.prompt }],
    config: configOf(shape, values['seed']),
  };
  const body = generateBody(prompt, options.extra, ownWarnings);
  return {
    request: methodRequest(target, { method: 'generateContent', body }),
    warnings: [...warnings, ...sizeWarnings(options, shape), ...ownWarnings.all],
    read: (reply) => readImages(reply, shape),
  };
}

/** Pictures from words. */
export const geminiImageGeneration: ImageGenerationProvider = {
  perCall: () => 1,
  generate(options, target) {
    return exchangeOf(options, target, {
      family: imageFamilyOf(target.model),
      asked: askedOfImage(options),
      operation: 'image.generate',
      pictures: [],
    });
  },
};

/** Pictures from pictures: the prompt says what is to change, and there is no mask. */
export const geminiImageEdit: ImageEditProvider = {
  perCall: () => 1,
  edit(options, target) {
    return exchangeOf(options, target, {
      family: imageFamilyOf(target.model),
      asked: askedOfEdit(options),
      operation: 'image.edit',
      pictures: options.images.map(inlinePart),
    });
  },
};
