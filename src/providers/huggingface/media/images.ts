/**
 * Pictures behind the router: hf-inference and together at once (recorded), fal, Replicate and WaveSpeed as work to be
 * followed.
 *
 * @module
 */
import type {
  GeneratedImage,
  ImageEditProvider,
  ImageGenerationProvider,
  ImageGenerationResult,
} from '../../../contracts/image-provider.ts';
import type { OperationExchange } from '../../../contracts/job-provider.ts';
import type { ProviderTarget, WireReply } from '../../../contracts/wire.ts';
import { mediaTypeOf } from '../../../http/media-type.ts';
import { askedOfEdit, askedOfImage, ESSENTIAL_OF_IMAGES } from '../../asked-options.ts';
import { checkMediaOptions, type CheckedOptions } from '../../media-options.ts';
import { listOf, objectOf, textOf, type LooseObject } from '../../openai-compatible/loose-json.ts';
import { malformed } from '../../replies.ts';
import { addressOf, given, modelPath, objectReply, ownOptions, postJson } from './exchange.ts';
import { modelFor } from './models.ts';
import { submission } from './queue.ts';
import { routeOf, type Route } from './routes.ts';

interface Sides {
  readonly width: number;
  readonly height: number;
}

function sidesOf(size: string | null): Sides | null {
  const [, width, height] = /^(\d{1,5})x(\d{1,5})$/.exec(size ?? '') ?? [];
  return width === undefined ? null : { width: Number(width), height: Number(height) };
}

/** Members that all of the wires but OpenAI's have in common: those of the diffusers library. */
function shared({ values }: CheckedOptions): LooseObject {
  return {
    negative_prompt: values['negative_prompt'],
    guidance_scale: values['guidance_scale'],
    num_inference_steps: values['steps'],
    seed: values['seed'],
    strength: values['strength'],
  };
}

/** The size as each wire has it. */
function sizeMembers(route: Route, sides: Sides | null): LooseObject {
  if (sides === null) return {};
  const { width, height } = sides;
  switch (route.wire) {
    case 'fal-queue':
    case 'fal-sync':
      return { image_size: { width, height } };
    case 'tasks':
      return { size: `${width}*${height}` };
    case 'pipeline':
    case 'predictions':
    case 'openai':
      return { width, height };
  }
}

function resultOf(images: readonly GeneratedImage[]): ImageGenerationResult {
  return {
    images,
    size: null,
    quality: null,
    background: null,
    outputFormat: null,
    usage: { images: images.length },
    modelServed: null,
    dimensions: {},
  };
}

function pictureOf(bytes: Buffer): GeneratedImage {
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null || !mediaType.startsWith('image/')) {
    throw malformed('The router sent something that is no picture.');
  }
  return { bytes, url: null, mediaType, revisedPrompt: null };
}

/** Bytes of a picture, whatever their type is called; what begins as JSON does is an error. */
function readPicture(reply: WireReply): ImageGenerationResult {
  if (mediaTypeOf(reply.body) === null) objectReply(reply);
  return resultOf([pictureOf(reply.body)]);
}

function readOpenAi(reply: WireReply): ImageGenerationResult {
  const data = listOf(objectReply(reply)['data']).map((item) => textOf(objectOf(item)['b64_json']));
  const images = data.flatMap((encoded) =>
    encoded === null ? [] : [pictureOf(Buffer.from(encoded, 'base64'))],
  );
  if (images.length === 0) throw malformed('The router sent no picture.');
  return resultOf(images);
}

const FACTS = { usage: { images: 1 }, modelServed: null, dimensions: {} };

interface ImageCall {
  readonly prompt: string;
  readonly checked: CheckedOptions;
  readonly sides: Sides | null;
  readonly pictures: readonly string[];
  readonly extra: LooseObject;
}

/** Input of the wires that take addresses. */
function inputOf(route: Route, call: ImageCall): LooseObject {
  const { prompt, checked, sides, pictures, extra } = call;
  const [first] = pictures;
  const image = first === undefined ? {} : picturesOf(route, first, pictures);
  return given({ prompt, ...image, ...shared(checked), ...sizeMembers(route, sides), ...extra });
}

function picturesOf(route: Route, first: string, all: readonly string[]): LooseObject {
  switch (route.wire) {
    case 'fal-queue':
    case 'fal-sync':
      return all.length === 1 ? { image_url: first } : { image_urls: all };
    case 'predictions':
      return { input_image: first, image: first };
    case 'tasks':
      return all.length === 1 ? { image: first } : { images: all };
    case 'pipeline':
    case 'openai':
      return {};
  }
}

/** hf-inference: the words are the input, or the picture is and the words say what is to change. */
function pipelineBody(call: ImageCall): LooseObject {
  const { prompt, checked, sides, pictures, extra } = call;
  const [first] = pictures;
  const parameters = { ...shared(checked), ...extra };
  if (first === undefined)
    return { inputs: prompt, parameters: given({ ...sides, ...parameters }) };
  const size = sides === null ? {} : { target_size: sides };
  // Bare base64, without the head of a data URL.
  const inputs = first.slice(first.indexOf(',') + 1);
  return { inputs, parameters: given({ prompt, ...size, ...parameters }) };
}

function exchangeOf(
  target: ProviderTarget,
  route: Route,
  call: ImageCall,
): OperationExchange<ImageGenerationResult> {
  const { warnings } = call.checked;
  switch (route.wire) {
    case 'pipeline':
      return {
        request: postJson(target, {
          path: `/hf-inference/models/${modelPath(route.name)}`,
          accept: 'image/png',
          members: pipelineBody(call),
        }),
        warnings,
        read: readPicture,
      };
    case 'openai': {
      const { num_inference_steps: steps, ...rest } = inputOf(route, call);
      return {
        request: postJson(target, {
          path: `/${route.subProvider}/v1/images/generations`,
          members: { ...rest, steps, response_format: 'base64', model: route.name },
        }),
        warnings,
        read: readOpenAi,
      };
    }
    case 'fal-queue':
    case 'fal-sync':
    case 'predictions':
    case 'tasks':
      return submission(target, route, { input: inputOf(route, call), warnings, facts: FACTS });
  }
}

/** Pictures from words. */
export const imageGeneration: ImageGenerationProvider = {
  perCall: () => 1,
  generate(options, target) {
    const { named, extra } = ownOptions(options.extra);
    const route = routeOf(target.model, 'image.generate', named);
    const table = modelFor(target.model, 'image.generate');
    const checked = checkMediaOptions(table, askedOfImage(options), ESSENTIAL_OF_IMAGES);
    const sides = sidesOf(options.size);
    const call = { prompt: options.prompt, checked, sides, pictures: [], extra };
    return exchangeOf(target, route, call);
  },
};

/** Pictures from pictures: the prompt says what is to change. */
export const imageEdit: ImageEditProvider = {
  perCall: () => 1,
  edit(options, target) {
    const { named, extra } = ownOptions(options.extra);
    const route = routeOf(target.model, 'image.edit', named);
    const table = modelFor(target.model, 'image.edit');
    const checked = checkMediaOptions(table, askedOfEdit(options), ESSENTIAL_OF_IMAGES);
    const sides = sidesOf(options.size);
    const pictures = options.images.map(addressOf);
    return exchangeOf(target, route, { prompt: options.prompt, checked, sides, pictures, extra });
  },
};
