/**
 * OpenAI's own endpoint.
 *
 * @module
 */
import { defineOpenAiCompatible } from '../openai-compatible/define.ts';
import { moderation } from '../openai-compatible/media/moderation.ts';
import { mediaCapabilities } from '../openai-compatible/media/provider.ts';
import { openAiMedia } from './media.ts';
import { OPENAI_MEDIA_MODELS } from './models.ts';

/**
 * Reasoning models refuse `max_tokens` (recorded: 400 `unsupported_parameter`), so the bound is written as
 * `max_completion_tokens`, which every model takes; a relayed request keeps the field its client chose.
 */
export const openAi = defineOpenAiCompatible({
  id: 'openai',
  title: 'OpenAI',
  environment: { credential: ['OPENAI_API_KEY'], baseUrl: 'OPENAI_BASE_URL' },
  defaultBaseUrl: 'https://api.openai.com',
  versionSegment: '/v1',
  documentation: 'https://platform.openai.com/docs/api-reference/chat',
  ...mediaCapabilities(openAiMedia),
  moderation: moderation(openAiMedia),
  mediaModels: OPENAI_MEDIA_MODELS,
  quirks: {
    maxTokensFields: ['max_completion_tokens', 'max_tokens'],
    developerRole: true,
    refusalParts: true,
    webSearch: { kind: 'options' },
    unsupported: ['topK'],
    settingHeaders: { organization: 'openai-organization', project: 'openai-project' },
  },
});
