/**
 * The Gemini Developer API.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import type { TextOptions } from '../../contracts/text.ts';
import type { ProviderTarget } from '../../contracts/wire.ts';
import { readError } from './errors.ts';
import { GEMINI_ORIGIN } from './media.ts';
import { geminiEmbedding } from './media/embeddings.ts';
import { geminiImageEdit, geminiImageGeneration } from './media/images.ts';
import { GEMINI_MEDIA_MODELS } from './media/models.ts';
import { geminiSpeech, geminiVoices } from './media/speech.ts';
import { geminiTranscription } from './media/transcription.ts';
import { geminiJobs, geminiVideo } from './media/video.ts';
import { VERSION_SEGMENT } from './model.ts';
import { buildRequest } from './request.ts';
import { readReply } from './response.ts';
import { GeminiStreamReader, type AnswerContext } from './stream.ts';

function contextOf(options: TextOptions, target: ProviderTarget): AnswerContext {
  return { model: target.model, choices: options.n ?? 1 };
}

export const gemini: ProviderDefinition = {
  id: 'gemini',
  title: 'Google Gemini',
  environment: {
    credential: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    baseUrl: 'GEMINI_BASE_URL',
  },
  defaultBaseUrl: GEMINI_ORIGIN,
  versionSegment: VERSION_SEGMENT,
  documentation: 'https://ai.google.dev/api/generate-content',
  disconnect: { onClientGone: 'cancel' },
  // Unconfirmed: no recorded reply carries an id in a header. The body's `responseId` is the id of an answer.
  requestIdHeader: 'x-goog-request-id',
  text: {
    generate(options, target) {
      const context = contextOf(options, target);
      return {
        ...buildRequest(options, target, false),
        read: (reply) => readReply(reply, context),
      };
    },
    stream(options, target) {
      const context = contextOf(options, target);
      return {
        ...buildRequest(options, target, true),
        open: () => new GeminiStreamReader(context),
      };
    },
  },
  embedding: geminiEmbedding,
  imageGeneration: geminiImageGeneration,
  imageEdit: geminiImageEdit,
  speech: geminiSpeech,
  voices: geminiVoices,
  transcription: geminiTranscription,
  video: geminiVideo,
  jobs: geminiJobs,
  mediaModels: GEMINI_MEDIA_MODELS,
  readError,
};
