/**
 * The operations of providers whose models are told what to do by one JSON object ({@link JsonModel}) and answer with a promise: each is
 * one submission. What differs between such providers is a {@link JsonServer}.
 *
 * @module
 */
import type { BackgroundRemovalProvider } from '../contracts/background-removal-provider.ts';
import type { FaceSwapProvider } from '../contracts/face-swap-provider.ts';
import type { ImageEditProvider, ImageGenerationProvider } from '../contracts/image-provider.ts';
import type { ImageUpscaleProvider } from '../contracts/image-upscale-provider.ts';
import type { JobExchange, JobStart } from '../contracts/job-provider.ts';
import type { ResultFacts } from '../contracts/media.ts';
import type { Operation } from '../contracts/metering.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import type { VideoProvider } from '../contracts/video-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../contracts/wire.ts';
import {
  clipCall,
  clipFacts,
  editCall,
  pictureCall,
  pictureFacts,
  picturesPerCall,
} from './json-calls.ts';
import { modelFor, modelInput, type Asked, type JsonModel, type WireNames } from './json-models.ts';

/** A provider of such models. */
export interface JsonServer {
  /** Its name for people. */
  readonly title: string;
  readonly models: readonly JsonModel[];
  readonly names: WireNames;
  /** The submission of what a model is told. */
  request(model: JsonModel, target: ProviderTarget, input: object): WireRequest;
  /** Reads a 2xx reply to it. @throws ProviderFailureError where it is malformed: the work may run */
  readStart(reply: WireReply, target: ProviderTarget): JobStart;
}

/** One call of a model, and what it comes to. */
export interface JsonWork {
  readonly asked: Asked;
  readonly warnings?: readonly ProviderWarning[];
  /** What is billed, by the options as they were taken. */
  facts(values: Readonly<Record<string, string | number | boolean>>): ResultFacts;
}

/** The entry of a model. @throws GatewayError naming those that have the operation */
export function modelAt(
  { models, title }: JsonServer,
  target: ProviderTarget,
  operation: Operation,
): JsonModel {
  return modelFor(models, { model: target.model, operation, provider: title });
}

/**
 * A submission that is followed.
 *
 * @throws GatewayError `invalid_request` naming an option that the model does not take, or cannot do without
 */
export function submitted(
  server: JsonServer,
  target: ProviderTarget,
  { model, work }: { readonly model: JsonModel; readonly work: JsonWork },
): JobExchange {
  const { input, values, warnings } = modelInput(model, work.asked, server.names);
  return {
    request: server.request(model, target, input),
    warnings: [...(work.warnings ?? []), ...warnings],
    facts: work.facts(values),
    readStart: (reply) => server.readStart(reply, target),
  };
}

const onePicture = (): ResultFacts => pictureFacts(1);

/** Pictures from words. */
export function imageGenerationOf(server: JsonServer): ImageGenerationProvider {
  return {
    perCall: picturesPerCall(server.models, 'image.generate'),
    generate(options, target) {
      const model = modelAt(server, target, 'image.generate');
      const call = pictureCall(model, options);
      const facts = () => pictureFacts(options.n);
      return submitted(server, target, { model, work: { ...call, facts } });
    },
  };
}

/** Pictures from pictures, by words. */
export function imageEditOf(server: JsonServer): ImageEditProvider {
  return {
    perCall: picturesPerCall(server.models, 'image.edit'),
    edit(options, target) {
      const model = modelAt(server, target, 'image.edit');
      const call = editCall(model, options);
      const facts = () => pictureFacts(options.n);
      return submitted(server, target, { model, work: { ...call, facts } });
    },
  };
}

/** Pictures with another face. */
export function faceSwapOf(server: JsonServer): FaceSwapProvider {
  return {
    swapFace(options, target) {
      const model = modelAt(server, target, 'image.face_swap');
      const asked = {
        options: {
          target_index: options.targetIndex,
          target_gender: options.targetGender,
          output_format: options.outputFormat,
        },
        media: { image: [options.image], face_image: [options.faceImage] },
        extra: options.extra,
      };
      return submitted(server, target, { model, work: { asked, facts: onePicture } });
    },
  };
}

/** Larger pictures. */
export function imageUpscaleOf(server: JsonServer): ImageUpscaleProvider {
  return {
    upscale(options, target) {
      const model = modelAt(server, target, 'image.upscale');
      const asked = {
        options: {
          scale: options.scale,
          mode: options.mode,
          prompt: options.prompt,
          output_format: options.outputFormat,
        },
        media: { image: [options.image] },
        extra: options.extra,
      };
      return submitted(server, target, { model, work: { asked, facts: onePicture } });
    },
  };
}

/** Pictures without background. */
export function backgroundRemovalOf(server: JsonServer): BackgroundRemovalProvider {
  return {
    removeBackground(options, target) {
      const model = modelAt(server, target, 'image.remove_background');
      const asked = {
        options: { output_format: options.outputFormat },
        media: { image: [options.image] },
        extra: options.extra,
      };
      return submitted(server, target, { model, work: { asked, facts: onePicture } });
    },
  };
}

/** Clips of every kind that the tables have. */
export function videoOf(server: JsonServer): VideoProvider {
  return {
    has: (operation, model) =>
      server.models.some((one) => one.operation === operation && one.id === model),
    start(options, target) {
      const model = modelAt(server, target, options.operation);
      const call = clipCall(model, options);
      const facts: JsonWork['facts'] = (values) => clipFacts(options, values['seconds']);
      return submitted(server, target, { model, work: { ...call, facts } });
    },
  };
}
