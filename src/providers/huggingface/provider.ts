/**
 * Hugging Face Inference Providers through the router. Model ids keep their suffix, which names the provider behind
 * the router or a policy (`org/name:provider`, `:fastest`, `:cheapest`, `:preferred`).
 *
 * @module
 */
import { defineOpenAiCompatible } from '../openai-compatible/define.ts';
import { embedding } from './media/embeddings.ts';
import { SETTING_HEADERS } from './media/exchange.ts';
import { imageEdit, imageGeneration } from './media/images.ts';
import { HUGGING_FACE_MEDIA_MODELS } from './media/models.ts';
import { jobs } from './media/queue.ts';
import { speech } from './media/speech.ts';
import { transcription } from './media/transcription.ts';
import { video } from './media/video.ts';

/**
 * What is behind the router differs by model, so every option is sent on. The router finds its target in the head of
 * the body, hence `model` first. A cancelled stream is billed to its end
 * (https://openrouter.ai/docs/api-reference/streaming#stream-cancellation lists it so). `billTo` of the settings names the organisation that pays.
 */
export const huggingFace = defineOpenAiCompatible({
  id: 'huggingface',
  title: 'Hugging Face Inference Providers',
  environment: { credential: ['HF_TOKEN'], baseUrl: 'HF_BASE_URL' },
  defaultBaseUrl: 'https://router.huggingface.co',
  versionSegment: '/v1',
  documentation: 'https://huggingface.co/docs/inference-providers/tasks/chat-completion',
  disconnect: { onClientGone: 'drain' },
  embedding,
  imageGeneration,
  imageEdit,
  speech,
  transcription,
  video,
  jobs,
  mediaModels: HUGGING_FACE_MEDIA_MODELS,
  quirks: {
    maxTokensFields: ['max_tokens', 'max_completion_tokens'],
    unsupported: [],
    thinkTags: true,
    modelFirst: true,
    settingHeaders: SETTING_HEADERS,
  },
});
