/**
 * A provider of pictures from words.
 *
 * @module
 */
import { errorTests, simulatorFamily, type ProviderKind } from '../provider-kind.ts';
import type { ProviderNames } from '../names.ts';

/** Replies, and the capability. */
const READING = `function imageOf(item: unknown): GeneratedImage {
  const bytes = Buffer.from(textOf(objectOf(item)['b64']) ?? '', 'base64');
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null || !mediaType.startsWith('image/')) {
    throw malformed('The provider sent something that is no picture.');
  }
  return { bytes, url: null, mediaType, revisedPrompt: null };
}

function readImages(reply: WireReply): ImageGenerationResult {
  const body = jsonObjectOf(reply);
  if ('error' in body) throw new ProviderFailureError(failureOf(500, body));
  const made = listOf(body['images']).map(imageOf);
  if (made.length === 0) throw malformed('The provider sent no picture.');
  return {
    images: made,
    size: null,
    quality: null,
    background: null,
    outputFormat: null,
    usage: { images: made.length },
    modelServed: null,
    dimensions: {},
  };
}

export const imageGeneration: ImageGenerationProvider = {
  generate(options, target) {
    const model = modelOf(target, 'image.generate');
    const { values, warnings } = checkMediaOptions(model, askedOfImage(options), ESSENTIAL);
    // Last: what decides the price is not for the caller's own options to change.
    const request = postJson(target, '/images', { ...options.extra, ...values, model: target.model });
    return { request, warnings, read: readImages };
  },
};
`;

function codec({ title, documentation }: ProviderNames): string {
  return `/**
 * \`POST /v1/images\` of ${title} (${documentation}).
 *
 * @module
 */
import type {
  GeneratedImage,
  ImageGenerationProvider,
  ImageGenerationResult,
} from '../../contracts/image-provider.ts';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { mediaTypeOf } from '../../http/media-type.ts';
import { askedOfImage } from '../asked-options.ts';
import { checkMediaOptions } from '../media-options.ts';
import { listOf, objectOf, textOf } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed } from '../replies.ts';
import { failureOf } from './errors.ts';
import { modelOf, postJson } from './request.ts';

/** Without these something else would be made than was asked for. */
const ESSENTIAL: ReadonlySet<string> = new Set(['prompt', 'n', 'size']);

${READING}`;
}

function adapterTest(names: ProviderNames): string {
  const { constant } = names;
  return `import { expect, test } from 'vitest';
import { simulatedPng } from '../../simulators/media/png.ts';
import { PICTURE_VARIANTS, PLAIN_PICTURE } from '../image-samples.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { ${constant} } from './provider.ts';

const PICTURE = simulatedPng({ width: 8, height: 8 }, 'x').toString('base64');

describeMediaProvider({
  definition: ${constant},
  inBandError: { error: { code: 'internal', message: 'x' } },
  generate: {
    model: 'image',
    options: { ...PLAIN_PICTURE, n: 2, size: '1024x1024' },
    variants: [...PICTURE_VARIANTS, { n: 1 }, { size: '1024x1536' }, { style: 'vivid' }],
    reply: { images: [{ b64: PICTURE }, { b64: PICTURE }] },
    usage: { images: 2 },
    broken: [{}, { images: [] }, { images: [{ b64: 'bm8gcGljdHVyZQ==' }] }],
    check: ({ images }) => expect(images).toHaveLength(2),
  },
});

${errorTests(names)}`;
}

function simulator(names: ProviderNames): string {
  const { title, documentation } = names;
  const head = `/**
 * The wire of ${title}: \`POST /v1/images\`. Written from ${documentation} alone.
 *
 * @module
 */
import { bareContext, errorReply, errorsFrom, usualErrors } from '../core/error-table.ts';
import type { SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { numberOf, objectOf, stringOf } from '../core/json.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { simulatedPng } from '../media/png.ts';

const ID_HEADER = 'x-request-id';
const rowOf = usualErrors((code, message) => ({ error: { code, message } }));
const error = errorsFrom(rowOf, ID_HEADER);

function answer(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const body = objectOf(call.json);
  const prompt = stringOf(body['prompt']) ?? '';
  const count = numberOf(body['n']) ?? 1;
  const headers = { 'content-type': 'application/json', [ID_HEADER]: call.id };
  if (prompt === '' || count < 1 || count > 4) {
    const problem = { code: 'invalid', message: 'prompt is missing, or n is none of 1 to 4' };
    return errorReply({ status: 400, body: { error: problem } }, headers);
  }
  const inBand = findFault(faults, 'in-band-error');
  const [width = 1024, height = 1024] = (stringOf(body['size']) ?? '1024x1024').split('x').map(Number);
  const images = Array.from({ length: count }, (_, at) => ({
    b64: simulatedPng({ width, height }, \`\${call.seed}/\${prompt}/\${String(at)}\`).toString('base64'),
  }));
  return {
    kind: 'body',
    status: 200,
    headers,
    body: JSON.stringify(inBand === undefined ? { images } : rowOf(inBand.error).body),
    usage: inBand === undefined ? { ...NO_USAGE, media: { images: count } } : null,
  };
}

`;
  const route = `route(call) {
    if (call.method !== 'POST' || call.path !== '/v1/images') return null;
    const model = stringOf(objectOf(call.json)['model']);
    return { model, stream: false, answer: (faults) => answer(call, faults) };
  },`;
  return simulatorFamily(names, { head, route });
}

/** Pictures from words, answered at once. */
export const imageKind: ProviderKind = {
  members: { 'images.ts': ['imageGeneration'] },
  model: `{
    id: 'image',
    operation: 'image.generate',
    options: {
      prompt: { type: 'text', maxChars: 4000 },
      n: { type: 'range', min: 1, max: 4, step: 1 },
      size: { type: 'one_of', values: ['1024x1024', '1024x1536', '1536x1024'] },
      seed: { type: 'range', min: 0, max: 4_294_967_295, step: 1 },
    },
    source: SOURCE,
  }`,
  codecs: (names) => ({ 'images.ts': codec(names) }),
  test: adapterTest,
  simulator,
  price: { model: 'image', unit: 'images' },
};
