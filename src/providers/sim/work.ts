/**
 * What the built-in simulator does as work that is followed: clips always; pictures, speech and transcripts where
 * `provider_options.sim.as_job` asks for it, so that the way of job providers can be tried without a key.
 *
 * @module
 */
import type { ResultFacts, SentMedia } from '../../contracts/media.ts';
import type { ProviderDefinition } from '../../contracts/provider.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type {
  VideoOptions,
  VideoOperation,
  VideoProvider,
} from '../../contracts/video-provider.ts';
import { mediaCapabilities } from '../openai-compatible/media/provider.ts';
import { simJobs, submission } from './job-wire.ts';
import { simMedia } from './media.ts';

const OPERATIONS: ReadonlySet<VideoOperation> = new Set([
  'video.text_to_video',
  'video.image_to_video',
  'video.extend',
  'video.talking_avatar',
  'video.face_swap',
  'video.upscale',
  'video.remove_background',
  'video.add_sound',
]);
/** Where nothing is said. */
const CLIP_SECONDS = 4;

function factsOf(usage: UsageVector): ResultFacts {
  return { usage, modelServed: null, dimensions: {} };
}

function mediaMember(media: SentMedia | null): string | null {
  if (media === null) return null;
  if (media.type === 'url') return media.url;
  return `data:${media.mediaType};base64,${media.bytes.toString('base64')}`;
}

function clipMembers(options: VideoOptions): Readonly<Record<string, unknown>> {
  return {
    operation: options.operation,
    prompt: options.prompt,
    negative_prompt: options.negativePrompt,
    image: mediaMember(options.image),
    last_image: mediaMember(options.lastImage),
    references:
      options.references.length === 0 ? null : options.references.map((one) => mediaMember(one)),
    video: mediaMember(options.video),
    audio: mediaMember(options.audio),
    seconds: options.seconds ?? CLIP_SECONDS,
    size: options.size,
    resolution: options.resolution,
    aspect_ratio: options.aspectRatio,
    with_audio: options.withAudio,
    target_index: options.targetIndex,
    target_gender: options.targetGender,
    seed: options.seed,
    ...options.extra,
  };
}

const video: VideoProvider = {
  has: (operation, model) => OPERATIONS.has(operation) && model === 'video',
  start(options, target) {
    const seconds = options.seconds ?? CLIP_SECONDS;
    const facts = factsOf({ video_clips: 1, video_ms: seconds * 1000 });
    return submission(target, clipMembers(options), facts);
  },
};

const atOnce = mediaCapabilities(simMedia);

function isJob(extra: Readonly<Record<string, unknown>>): boolean {
  return extra['as_job'] === true || extra['as_job'] === 'true';
}

/** What the simulator has beside OpenAI's routes that are answered at once. */
export const simWork: Required<
  Pick<ProviderDefinition, 'jobs' | 'video' | 'imageGeneration' | 'speech' | 'transcription'>
> = {
  jobs: simJobs,
  video,
  imageGeneration: {
    generate(options, target) {
      if (!isJob(options.extra)) return atOnce.imageGeneration.generate(options, target);
      const { prompt, n, size } = options;
      const members = { operation: 'image.generate', prompt, n, size: size ?? '1024x1024' };
      return submission(target, members, factsOf({ images: n }));
    },
  },
  speech: {
    speak(options, target) {
      if (!isJob(options.extra)) return atOnce.speech.speak(options, target);
      const members = { operation: 'audio.speech', prompt: options.text };
      return submission(target, members, factsOf({ characters: Array.from(options.text).length }));
    },
  },
  transcription: {
    transcribe(options, target) {
      if (!isJob(options.extra)) return atOnce.transcription.transcribe(options, target);
      const { durationMs, prompt } = options;
      const seconds = Math.ceil(durationMs / 1000);
      const members = { operation: 'audio.transcribe', seconds, prompt };
      return submission(target, members, factsOf({ audio_ms: seconds * 1000 }));
    },
  },
};
