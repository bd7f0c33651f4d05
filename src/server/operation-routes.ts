/**
 * Routes of pictures, sound and embeddings.
 *
 * @module
 */
import { speechDialect } from '../dialects/openai/audio/speech.ts';
import {
  transcriptionsDialect,
  translationsDialect,
} from '../dialects/openai/audio/transcriptions.ts';
import { embeddingsDialect } from '../dialects/openai/embeddings.ts';
import { backgroundRemovalsDialect } from '../dialects/openai/images/background-removals.ts';
import { imageEditsDialect } from '../dialects/openai/images/edits.ts';
import { faceSwapsDialect } from '../dialects/openai/images/face-swaps.ts';
import { imageGenerationsDialect } from '../dialects/openai/images/generations.ts';
import { upscalesDialect } from '../dialects/openai/images/upscales.ts';
import { moderationsDialect } from '../dialects/openai/moderations.ts';
import { promptEnhancementsDialect } from '../dialects/openai/prompt-enhancements.ts';
import type { Dialect } from '../gateway/dialect.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { serve } from '../gateway/pipeline.ts';
import type { PlainRoute } from './routes.ts';

const DIALECTS: Readonly<Record<string, Dialect>> = {
  '/v1/embeddings': embeddingsDialect,
  '/v1/moderations': moderationsDialect,
  '/v1/prompt-enhancements': promptEnhancementsDialect,
  '/v1/images/generations': imageGenerationsDialect,
  '/v1/images/edits': imageEditsDialect,
  '/v1/images/face-swaps': faceSwapsDialect,
  '/v1/images/upscales': upscalesDialect,
  '/v1/images/background-removals': backgroundRemovalsDialect,
  '/v1/audio/speech': speechDialect,
  '/v1/audio/transcriptions': transcriptionsDialect,
  '/v1/audio/translations': translationsDialect,
};

/** One route an operation. */
export function operationRoutes(gateway: Gateway): readonly PlainRoute[] {
  return Object.entries(DIALECTS).map(([path, dialect]) => ({
    method: 'POST',
    path,
    isWork: true,
    isPlain: true,
    handle: (exchange) => serve(gateway, exchange, dialect),
  }));
}
