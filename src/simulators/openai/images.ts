/**
 * `POST /v1/images/generations` (https://platform.openai.com/docs/api-reference/images; recorded gpt-image-1 and -1.5).
 *
 * @module
 */
import { findFault, type Fault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { listOf, numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import type { SimulatedReply } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { simulatedPng } from '../media/png.ts';
import { CREATED_S } from './chat.ts';
import { errorJson, invalidReply } from './errors.ts';
import { jsonReply, mediaUsage, refuse } from './media-reply.ts';

const SIDE_MAX = 4096;

/** Picture tokens by quality and shape, as the image guide lists them for gpt-image-1. */
const IMAGE_TOKENS: Readonly<
  Record<string, readonly [square: number, tall: number, wide: number]>
> = {
  low: [272, 408, 400],
  medium: [1056, 1584, 1568],
  high: [4160, 6240, 6208],
};

interface ImageRequest {
  readonly model: string;
  readonly prompt: string;
  readonly n: number;
  readonly width: number;
  readonly height: number;
  readonly quality: string;
  readonly seed: string;
}

function isGptImage(model: string): boolean {
  return model.startsWith('gpt-image');
}

function problemOf(call: SimulatedCall, body: JsonObject): SimulatedReply | null {
  const model = stringOf(body['model']) ?? '';
  if (stringOf(body['prompt']) === null)
    return refuse(call, 'prompt', "Missing required parameter: 'prompt'.");
  if (isGptImage(model) && 'response_format' in body) {
    const message = "Unknown parameter: 'response_format'.";
    return invalidReply({ message, param: 'response_format', code: 'unknown_parameter' }, call.id);
  }
  const n = numberOf(body['n']) ?? 1;
  if (n < 1 || n > (model.startsWith('dall-e-3') ? 1 : 10))
    return refuse(call, 'n', "Invalid 'n'.");
  const format = stringOf(body['output_format']) ?? 'png';
  if (format !== 'png') return refuse(call, 'output_format', 'The simulator makes PNG alone.');
  return null;
}

/** Exported for edits, which take the same members. */
export function imageRequestOf(
  call: SimulatedCall,
  body: JsonObject,
): ImageRequest | SimulatedReply {
  const problem = problemOf(call, body);
  if (problem !== null) return problem;
  const model = stringOf(body['model']) ?? '';
  const size = stringOf(body['size']) ?? 'auto';
  const [, width = '1024', height = '1024'] = /^(\d+)x(\d+)$/.exec(size) ?? [];
  if (
    Number(width) > SIDE_MAX ||
    Number(height) > SIDE_MAX ||
    Number(width) * Number(height) === 0
  ) {
    return refuse(call, 'size', `Invalid size: '${size}'.`);
  }
  const quality = stringOf(body['quality']) ?? 'auto';
  return {
    model,
    prompt: stringOf(body['prompt']) ?? '',
    n: numberOf(body['n']) ?? 1,
    width: Number(width),
    height: Number(height),
    quality: quality === 'auto' ? (isGptImage(model) ? 'high' : 'standard') : quality,
    seed: `${call.seed}/${String(numberOf(body['seed']) ?? '')}/${stringOf(body['prompt']) ?? ''}`,
  };
}

function imageTokens({ width, height, quality }: ImageRequest): number {
  const [square = 0, tall = 0, wide = 0] = IMAGE_TOKENS[quality] ?? IMAGE_TOKENS['high'] ?? [];
  if (width === height) return square;
  return width < height ? tall : wide;
}

/** Picture tokens of a draft, as the image guide has it. */
const DRAFT_TOKENS = 100;

/** The pictures of a checked request. `inputs`: pictures sent along; `drafts`: made before, where it is streamed. */
export function answerImages(
  call: SimulatedCall,
  request: ImageRequest,
  facts: {
    readonly faults: readonly Fault[];
    readonly inputs: number;
    readonly drafts: number | null;
  },
): SimulatedReply {
  const { faults, inputs, drafts } = facts;
  const inBand = findFault(faults, 'in-band-error');
  if (inBand !== undefined) {
    const none = { ...mediaUsage({}), outputTokens: 0 };
    return {
      ...jsonReply(call, {}, none),
      body: errorJson(inBand.error, request.model),
      usage: null,
    };
  }
  const isEmpty = findFault(faults, 'empty')?.what === 'choices';
  const isShort = findFault(faults, 'filtered') !== undefined;
  const count = isEmpty ? 0 : request.n - (isShort ? 1 : 0);
  const data = Array.from({ length: count }, (_, index) => ({
    b64_json: simulatedPng(request, `${request.seed}/${String(index)}`).toString('base64'),
  }));
  const input = countTokens(request.prompt);
  const seen = inputs * 194;
  const made = imageTokens(request) * count + (drafts ?? 0) * DRAFT_TOKENS;
  const tokens = isGptImage(request.model)
    ? { inputTokens: input + seen, imageTokens: seen, outputTokens: made }
    : {};
  return jsonReply(
    call,
    {
      created: CREATED_S,
      background: 'opaque',
      data,
      output_format: 'png',
      quality: request.quality,
      size: `${String(request.width)}x${String(request.height)}`,
      ...(isGptImage(request.model)
        ? {
            usage: {
              input_tokens: input + seen,
              input_tokens_details: { image_tokens: seen, text_tokens: input },
              output_tokens: made,
              output_tokens_details: { image_tokens: made, text_tokens: 0 },
              total_tokens: input + seen + made,
            },
          }
        : {}),
    },
    mediaUsage({ images: count }, tokens),
  );
}

/** Drafts of a streamed picture, at most; null: it is not streamed. Only some models stream. */
export function draftsOf(model: string, body: JsonObject): number | null {
  const streams = body['stream'] === true || body['stream'] === 'true';
  if (!streams || model.startsWith('dall-e')) return null;
  return Math.min(3, Number(body['partial_images'] ?? 0));
}

/** The reply of a whole picture, as the events of one that is streamed. */
export function streamedImages(
  reply: SimulatedReply,
  request: ImageRequest,
  events: { readonly name: string; readonly drafts: number },
): SimulatedReply {
  if (reply.kind !== 'body' || reply.usage === null || reply.status !== 200) return reply;
  const { name, drafts } = events;
  const whole = objectOf(JSON.parse(String(reply.body)));
  const [picture] = listOf(whole['data']);
  const { data: _data, created, ...facts } = whole;
  const common = { created_at: created, size: facts['size'], quality: facts['quality'] };
  const partial = Array.from({ length: drafts }, (_, index) => ({
    kind: 'content' as const,
    data: JSON.stringify({
      type: `${name}.partial_image`,
      ...common,
      b64_json: simulatedPng(request, `${request.seed}/draft/${String(index)}`).toString('base64'),
      partial_image_index: index,
    }),
    producedTokens: 0,
  }));
  const completed = {
    type: `${name}.completed`,
    ...facts,
    created_at: created,
    b64_json: objectOf(picture)['b64_json'],
  };
  return {
    kind: 'stream',
    status: 200,
    headers: { ...reply.headers, 'content-type': 'text/event-stream; charset=utf-8' },
    framing: 'lf',
    events: [
      ...partial,
      {
        kind: 'finish',
        data: JSON.stringify(completed),
        producedTokens: reply.usage.outputTokens,
      },
    ],
    usage: reply.usage,
    inBandError: (error) => errorJson(error, request.model),
  };
}

export function imagesRoute(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  const drafts = draftsOf(stringOf(body['model']) ?? '', body);
  return {
    model: stringOf(body['model']),
    stream: drafts !== null,
    answer(faults) {
      const request = imageRequestOf(call, body);
      if ('kind' in request) return request;
      const reply = answerImages(call, request, { faults, inputs: 0, drafts });
      return drafts === null
        ? reply
        : streamedImages(reply, request, { name: 'image_generation', drafts });
    },
  };
}
