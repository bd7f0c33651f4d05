/**
 * Any server that speaks the chat completions protocol, named by its base URL alone.
 *
 * @module
 */
import { defineOpenAiCompatible } from './define.ts';

/** Nothing is known of the server, so every option is sent and the server itself says what it refuses. */
export const openAiCompatible = defineOpenAiCompatible({
  id: 'openai-compatible',
  title: 'OpenAI-compatible server',
  environment: {
    credential: ['OPENAI_COMPATIBLE_API_KEY'],
    baseUrl: 'OPENAI_COMPATIBLE_BASE_URL',
    credentialOptional: true,
  },
  defaultBaseUrl: null,
  versionSegment: '/v1',
  documentation: 'https://platform.openai.com/docs/api-reference/chat',
  quirks: {
    maxTokensFields: ['max_tokens', 'max_completion_tokens'],
    assistantReasoning: 'reasoning_content',
    unsupported: [],
  },
});
