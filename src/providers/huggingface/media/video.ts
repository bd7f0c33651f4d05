/**
 * Clips behind the router: work of fal, Replicate and WaveSpeed to be followed. None of it is recorded.
 *
 * @module
 */
import type { VideoOptions, VideoProvider } from '../../../contracts/video-provider.ts';
import { askedOfVideo, ESSENTIAL_OF_VIDEOS } from '../../asked-options.ts';
import { checkMediaOptions } from '../../media-options.ts';
import type { LooseObject } from '../../openai-compatible/loose-json.ts';
import { addressOf, given, ownOptions } from './exchange.ts';
import { modelFor } from './models.ts';
import { submission } from './queue.ts';
import { findRoute, routeOf, type Route } from './routes.ts';

const MS = 1000;

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
    const { values, warnings } = checkMediaOptions(
      table,
      askedOfVideo(options),
      ESSENTIAL_OF_VIDEOS,
    );
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
