/**
 * Answers of `generateContent` that hold a picture (https://ai.google.dev/gemini-api/docs/image-generation; recorded
 * gemini-3.1-flash-lite-image).
 *
 * @module
 */
import { findFault, type Fault } from '../core/fault.ts';
import type { SimulatedCall } from '../core/family.ts';
import { listOf, numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import type { SimulatedReply, SimulatedUsage } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { simulatedPng } from '../media/png.ts';
import { geminiErrorBody } from './errors.ts';
import { camelKeys, type GenerateRequest, type InvalidArgument, type Modality } from './request.ts';
import { usageMetadata } from './usage.ts';

const SHAPES = '1:1|2:3|3:2|3:4|4:3|4:5|5:4|9:16|16:9|21:9|1:4|4:1|1:8|8:1'.split('|');
const SIDES: Readonly<Record<string, number>> = { '512': 512, '1K': 1024, '2K': 2048, '4K': 4096 };
/** Picture tokens by class of size, as the price list has them. */
const TOKENS: Readonly<Record<string, number>> = { '512': 747, '1K': 1120, '2K': 1680, '4K': 2520 };
const WORDS = 'Simulated: I would rather talk about it.';

/** A request for media, as its `generationConfig` says it. */
interface MediaCall {
  readonly call: SimulatedCall;
  readonly request: GenerateRequest;
  readonly config: JsonObject;
  readonly faults: readonly Fault[];
}

interface Made {
  readonly parts: readonly object[];
  readonly modality: Modality;
  readonly tokens: number;
  readonly media: SimulatedUsage['media'];
}

function invalid(message: string, field: string): InvalidArgument {
  return { message, field };
}

/** What the request wants made; `text` where it wants none of it. */
export function wantedOf(json: unknown): 'text' | 'image' {
  const config = camelKeys(objectOf(camelKeys(objectOf(json))['generationConfig']));
  const wanted = listOf(config['responseModalities']).map((name) => String(name).toUpperCase());
  return wanted.includes('IMAGE') ? 'image' : 'text';
}

/** The pixels of a shape in a class; sides are whole sixteens. */
function pixelsOf(shape: string, size: string): { width: number; height: number } {
  const [wide = 1, high = 1] = shape.split(':').map(Number);
  const side = SIDES[size] ?? 1024;
  const whole = (length: number): number => Math.max(16, Math.round(length / 16) * 16);
  return {
    width: whole(side * Math.sqrt(wide / high)),
    height: whole(side * Math.sqrt(high / wide)),
  };
}

function pictureOf({ call, request, config }: MediaCall): Made | InvalidArgument {
  const image = camelKeys(objectOf(config['imageConfig']));
  const shape = stringOf(image['aspectRatio']) ?? '1:1';
  const size = stringOf(image['imageSize']) ?? '1K';
  if (!SHAPES.includes(shape)) return invalid(`Invalid aspect ratio: ${shape}.`, 'image_config');
  if (SIDES[size] === undefined) return invalid(`Invalid image size: ${size}.`, 'image_config');
  if (image['imageSize'] !== undefined && request.model.startsWith('gemini-2.5')) {
    return invalid('Image size is not supported for this model.', 'image_config');
  }
  if (request.answer.choices !== 1) {
    return invalid('Multiple candidates is not enabled for this model.', 'candidate_count');
  }
  const seed = `${call.seed}/${String(numberOf(config['seed']) ?? '')}/${request.answer.asked}`;
  const data = simulatedPng(pixelsOf(shape, size), seed).toString('base64');
  return {
    parts: [{ inlineData: { mimeType: 'image/png', data } }],
    modality: 'IMAGE',
    tokens: TOKENS[size] ?? 1120,
    media: { images: 1 },
  };
}

/** Nothing was made: a filter's reason, words alone, or no candidate at all. */
function candidatesOf(made: Made, faults: readonly Fault[]): readonly object[] | null {
  const ended = { finishReason: 'STOP', index: 0 };
  if (findFault(faults, 'filtered')?.what === 'answer') {
    const finishMessage = 'Unable to show the generated image.';
    return [{ finishReason: 'IMAGE_SAFETY', finishMessage, index: 0 }];
  }
  switch (findFault(faults, 'empty')?.what) {
    case 'choices':
      return null;
    case 'content':
      return [{ content: { parts: [{ text: WORDS }], role: 'model' }, ...ended }];
    default:
      return [{ content: { parts: made.parts, role: 'model' }, ...ended }];
  }
}

function outputOf(made: Made, faults: readonly Fault[]): Pick<Made, 'tokens' | 'media'> {
  if (findFault(faults, 'filtered') !== undefined) return { tokens: 0, media: {} };
  const empty = findFault(faults, 'empty')?.what;
  if (empty === 'content') return { tokens: countTokens(WORDS), media: {} };
  return empty === undefined ? made : { tokens: 0, media: {} };
}

/** The whole answer, bent by the faults that concern its content; or why the request is refused. */
export function answerMedia(
  call: SimulatedCall,
  request: GenerateRequest,
  faults: readonly Fault[],
): SimulatedReply | InvalidArgument {
  const config = camelKeys(objectOf(camelKeys(objectOf(call.json))['generationConfig']));
  const made = pictureOf({ call, request, config, faults });
  if ('message' in made) return made;
  const error = findFault(faults, 'in-band-error');
  const blocked = findFault(faults, 'filtered')?.what === 'prompt';
  const candidates = blocked ? null : candidatesOf(made, faults);
  const { tokens, media } = outputOf(made, faults);
  const usage = {
    ...request.input,
    outputTokens: tokens,
    ...(media === undefined ? {} : { media }),
  };
  const madeTokens = tokens === made.tokens ? { [made.modality]: tokens } : {};
  const parts = { usage, modalities: request.modalities, made: madeTokens, faults };
  const value =
    error === undefined
      ? {
          ...(candidates === null ? {} : { candidates }),
          ...(blocked ? { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } } : {}),
          usageMetadata: usageMetadata(parts),
          modelVersion: findFault(faults, 'served-model')?.model ?? request.model,
          responseId: call.id,
        }
      : geminiErrorBody(error.error, request.model);
  return {
    kind: 'body',
    status: 200,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'x-gemini-service-tier': 'standard',
    },
    body: `${JSON.stringify(value, null, 2)}\n`,
    usage: error === undefined ? usage : null,
  };
}
