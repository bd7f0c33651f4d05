/**
 * Clips of every kind.
 *
 * @module
 */
import type { ResultFacts, SentMedia } from '../../contracts/media.ts';
import type { VideoOptions, VideoProvider } from '../../contracts/video-provider.ts';
import { shapeOptions } from '../json-models.ts';
import { submission } from './jobs.ts';
import { MODELS } from './models.ts';
import { submissionRequest, waveSpeedModel } from './request.ts';

function some(media: SentMedia | null): readonly SentMedia[] {
  return media === null ? [] : [media];
}

/** What is delivered, as far as it is asked for; the rest is measured in the clip itself. */
function factsOf(options: VideoOptions, seconds: number | null): ResultFacts {
  const { resolution, withAudio } = options;
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

export const video: VideoProvider = {
  has: (operation, model) => MODELS.some((one) => one.operation === operation && one.id === model),
  start(options, target) {
    const model = waveSpeedModel(target, options.operation);
    const shape = shapeOptions(model, options);
    const prepared = submissionRequest(model, target, {
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
    });
    const warnings = [...shape.warnings, ...prepared.warnings];
    // What was clamped is what is made.
    const { duration } = prepared.input;
    const seconds = typeof duration === 'number' ? duration : options.seconds;
    return submission({ ...prepared, warnings }, factsOf(options, seconds));
  },
};
