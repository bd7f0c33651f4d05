/**
 * Hugging Face Inference Providers through the router. Model ids keep their suffix, which names the provider behind
 * the router or a policy (`org/name:provider`, `:fastest`, `:cheapest`, `:preferred`).
 *
 * @module
 */
import { defineOpenAiCompatible } from '../openai-compatible/define.ts';

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
  quirks: {
    maxTokensFields: ['max_tokens', 'max_completion_tokens'],
    unsupported: [],
    thinkTags: true,
    modelFirst: true,
    settingHeaders: { billTo: 'x-hf-bill-to' },
  },
});
