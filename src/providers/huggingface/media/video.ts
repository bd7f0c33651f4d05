/**
 * Clips behind the router: work of fal, Replicate and WaveSpeed to be followed. None of it is recorded.
 *
 * @module
 */
import type { VideoOptions, VideoProvider } from '../../../contracts/video-provider.ts';
import { checkMediaOptions, type OptionValue } from '../../media-options.ts';
import type { LooseObject } from '../../openai-compatible/loose-json.ts';
import { addressOf, given, ownOptions } from './exchange.ts';
import { modelFor } from './models.ts';
import { submission } from './queue.ts';
import { findRoute, routeOf, type Route } from './routes.ts';

const MS = 1000;

const ESSENTIAL: ReadonlySet<string> = new Set([
  'image',
  'last_image',
  'references',
  'video',
  'audio_input',
  'seconds',
  'size',
  'audio',
  'target_index',
  'target_gender',
]);

function countOf(file: object | null): OptionValue {
  return file === null ? null : 1;
}

/** Options by the names that the gateway's bodies have. */
function askedOf(options: VideoOptions): Record<string, OptionValue> {
  return {
    prompt: options.prompt,
    negative_prompt: options.negativePrompt,
    image: countOf(options.image),
    last_image: countOf(options.lastImage),
    references: options.references.length === 0 ? null : options.references.length,
    video: countOf(options.video),
    audio_input: countOf(options.audio),
    seconds: options.seconds,
    size: options.size,
    resolution: options.resolution,
    aspect_ratio: options.aspectRatio,
    audio: options.withAudio === true ? true : null,
    target_index: options.targetIndex,
    target_gender: options.targetGender,
    seed: options.seed,
  };
}

function inputOf(options: VideoOptions, route: Route, values: LooseObject): LooseObject {
  const { image } = options;
  const isFal = route.wire === 'fal-queue';
  return {
    ...values,
    image: undefined,
    ...(image === null ? {} : { [isFal ? 'image_url' : 'image']: addressOf(image) }),
  };
}

/** A provider of clips by words and by a picture. */
export const video: VideoProvider = {
  // A name of the caller's own may come with the call: then the suffix alone decides.
  has: (operation, model) =>
    findRoute(model, operation, null) !== null || findRoute(model, operation, 'any') !== null,
  start(options, target) {
    const { named, extra } = ownOptions(options.extra);
    const { operation, seconds, resolution } = options;
    const route = routeOf(target.model, operation, named);
    const table = modelFor(target.model, operation);
    const { values, warnings } = checkMediaOptions(table, askedOf(options), ESSENTIAL);
    return submission(target, route, {
      input: given({ ...inputOf(options, route, values), ...extra }),
      warnings,
      facts: {
        usage: { video_clips: 1, ...(seconds === null ? {} : { video_ms: seconds * MS }) },
        modelServed: null,
        dimensions: resolution === null ? {} : { resolution },
      },
    });
  },
};
