/**
 * A provider's exchange about pictures, as the pipeline carries it out.
 *
 * @module
 */
import type { ImageGenerationResult, ImageOptions } from '../../../contracts/image-provider.ts';
import {
  isJobExchange,
  type JobExchange,
  type OperationExchange,
  wholeExchange,
} from '../../../contracts/job-provider.ts';
import type { MediaExchange } from '../../../contracts/media.ts';
import { ProviderFailureError } from '../../../contracts/provider-failure.ts';
import { addUsage } from '../../../contracts/usage.ts';
import type { WireReply } from '../../../contracts/wire.ts';
import type { DataPlaneSettings } from '../../../gateway/gateway.ts';
import type { FinishedJob, Prepared, PreparedJob } from '../../../gateway/operation-call.ts';
import { unstreamed } from '../unstreamed.ts';
import { imagesAnswer } from './images-reply.ts';
import type { ImageRequest } from './schema.ts';

/** Pictures of a job in terms of the contract; what they are is told by their bytes. */
function imagesOf({ media, facts }: FinishedJob): ImageGenerationResult {
  return {
    ...facts,
    images: media.map(({ bytes, type }) => ({
      bytes,
      url: null,
      mediaType: type,
      revisedPrompt: null,
    })),
    size: null,
    quality: null,
    background: null,
    outputFormat: null,
  };
}

/** How pictures are delivered. */
type Delivery = Pick<ImageRequest, 'response_format'> & Pick<DataPlaneSettings, 'generatedBy'>;

function shownAs({ n: wanted, response_format, generatedBy }: Pick<ImageOptions, 'n'> & Delivery) {
  return { wanted, asUrls: response_format === 'url', generatedBy };
}

/** Work that is followed; in parts where there are several submissions. */
function preparedJob(
  submissions: readonly JobExchange[],
  asked: Pick<ImageOptions, 'n'> & Delivery,
): PreparedJob {
  const [submission] = submissions;
  if (submission === undefined) throw new Error('a call has at least one submission');
  const how = shownAs(asked);
  return {
    submission,
    ...(submissions.length === 1 ? {} : { parts: submissions }),
    answer: (finished) => imagesAnswer(imagesOf(finished), how),
  };
}

export function preparedImages(
  exchange: OperationExchange<ImageGenerationResult>,
  asked: Pick<ImageOptions, 'n'> & Delivery,
): Prepared {
  const how = shownAs(asked);
  if (isJobExchange(exchange)) return preparedJob([exchange], asked);
  return {
    request: exchange.request,
    warnings: exchange.warnings,
    read: (reply) => imagesAnswer(exchange.read(reply), how),
    open: unstreamed,
  };
}

/** A whole number of pictures in portions that the model makes in one call. */
function portionsOf(n: number, most: number): readonly number[] {
  return Array.from({ length: Math.ceil(n / most) }, (_, at) => Math.min(most, n - at * most));
}

/** All pictures of several replies; counts are added up. @throws ProviderFailureError where no reply has any */
function mergedImages(
  exchanges: readonly MediaExchange<ImageGenerationResult>[],
  replies: readonly WireReply[],
): ImageGenerationResult {
  const [exchange] = exchanges;
  if (exchange === undefined) throw new Error('a call has at least one portion');
  let merged: ImageGenerationResult | null = null;
  let failure: ProviderFailureError | null = null;
  for (const reply of replies) {
    try {
      const result = exchange.read(reply);
      merged = merged === null ? result : joined(merged, result);
    } catch (error) {
      if (!(error instanceof ProviderFailureError)) throw error;
      failure ??= error;
    }
  }
  if (merged !== null) return merged;
  throw failure ?? new Error('a batch has at least one reply');
}

function joined(left: ImageGenerationResult, right: ImageGenerationResult): ImageGenerationResult {
  const images = [...left.images, ...right.images];
  return { ...left, images, usage: addUsage(left.usage, right.usage) };
}

/**
 * Pictures of one request, by as many calls as the model needs. Each call has a seed of its own, or all pictures would be
 * the same.
 *
 * @param most pictures of one call; undefined: any number
 */
export function preparedPortions<Options extends ImageOptions>(
  options: Options,
  how: { readonly most: number | undefined } & Delivery,
  exchangeOf: (options: Options) => OperationExchange<ImageGenerationResult>,
): Prepared {
  const { most = options.n, response_format, generatedBy } = how;
  const asked = { n: options.n, response_format, generatedBy };
  const portions = portionsOf(options.n, Math.max(1, most));
  if (portions.length === 1) return preparedImages(exchangeOf(options), asked);
  const all = portions.map((n, at) => {
    const seed = options.seed === null ? null : options.seed + at;
    return exchangeOf({ ...options, n, seed });
  });
  const jobs = all.filter(isJobExchange);
  if (jobs.length === all.length) return preparedJob(jobs, asked);
  const exchanges = all.map(wholeExchange);
  const [first] = exchanges;
  if (first === undefined) throw new Error('a call has at least one portion');
  const shown = shownAs(asked);
  return {
    request: first.request,
    warnings: first.warnings,
    read: (reply) => imagesAnswer(first.read(reply), shown),
    batch: {
      requests: exchanges.map(({ request }) => request),
      readAll: (replies) => imagesAnswer(mergedImages(exchanges, replies), shown),
    },
    open: unstreamed,
  };
}
