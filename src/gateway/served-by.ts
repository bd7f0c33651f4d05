/**
 * Which provider can do what.
 *
 * @module
 */
import type { Operation } from '../contracts/metering.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import type { Gateway } from './gateway.ts';

/** Whether a quote may count on a model for an operation: what a call would find. */
export function isQuotable(
  { providers }: Pick<Gateway, 'providers'>,
  operation: Operation,
  of: { readonly provider: string; readonly model: string },
): boolean {
  const provider = providers.get(of.provider);
  return provider !== undefined && isServedBy(provider.definition, operation, of.model);
}

/** Whether any provider of this gateway has the operation, on some model. */
export function isOffered(
  { providers }: Pick<Gateway, 'providers'>,
  operation: Operation,
): boolean {
  return [...providers.values()].some(({ definition }) =>
    operation.startsWith('video.')
      ? definition.video !== undefined
      : isServedBy(definition, operation, ''),
  );
}

/** Whether the provider has the operation; for clips, on that model. */
export function isServedBy(
  definition: ProviderDefinition,
  operation: Operation,
  model: string,
): boolean {
  switch (operation) {
    case 'text.generate':
    case 'text.enhance_prompt':
      return definition.text !== undefined;
    case 'text.embed':
      return definition.embedding !== undefined;
    case 'text.moderate':
      return definition.moderation !== undefined;
    // No contract of a provider has these yet.
    case 'text.rerank':
    case 'text.count_tokens':
      return false;
    case 'image.generate':
      return definition.imageGeneration !== undefined;
    case 'image.edit':
      return definition.imageEdit !== undefined;
    case 'image.face_swap':
      return definition.faceSwap !== undefined;
    case 'image.upscale':
      return definition.imageUpscale !== undefined;
    case 'image.remove_background':
      return definition.backgroundRemoval !== undefined;
    case 'audio.speech':
      return definition.speech !== undefined;
    case 'audio.transcribe':
    case 'audio.translate':
      return definition.transcription !== undefined;
    case 'audio.clone_voice':
      return definition.voiceClone !== undefined;
    case 'video.text_to_video':
    case 'video.image_to_video':
    case 'video.extend':
    case 'video.talking_avatar':
    case 'video.face_swap':
    case 'video.upscale':
    case 'video.remove_background':
    case 'video.add_sound':
      return definition.video?.has(operation, model) ?? false;
    default:
      return operation satisfies never;
  }
}
