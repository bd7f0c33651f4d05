/**
 * Servers that speak the chat completions protocol, as data. What differs is stated as properties, each from the
 * page that `documentation` names or from recorded traffic; ids, variables and base URLs are those of the
 * configuration reference.
 *
 * `drain` stands where a cancelled stream is billed to its end, by OpenRouter's list of providers whose generation
 * stops with the connection (https://openrouter.ai/docs/api-reference/streaming#stream-cancellation).
 *
 * @module
 */
import { openRouterLookUp } from './open-router-look-up.ts';
import { defineOpenAiCompatible } from '../openai-compatible/define.ts';

/** Refuses `logprobs`, `top_logprobs`, `logit_bias`, names in messages, and `n` other than 1 with 400. */
export const groq = defineOpenAiCompatible({
  id: 'groq',
  title: 'Groq',
  environment: { credential: ['GROQ_API_KEY'], baseUrl: 'GROQ_BASE_URL' },
  defaultBaseUrl: 'https://api.groq.com/openai',
  versionSegment: '/v1',
  documentation: 'https://console.groq.com/docs/openai',
  disconnect: { onClientGone: 'drain' },
  quirks: {
    maxTokensFields: ['max_completion_tokens', 'max_tokens'],
    assistantReasoning: 'reasoning',
    unsupported: ['topK', 'logprobs', 'topLogprobs', 'logitBias', 'messageName', 'n'],
  },
});

/** Thinking is switched by a member of its own; JSON mode without schemas; paths have no version (recorded). */
export const deepSeek = defineOpenAiCompatible({
  id: 'deepseek',
  title: 'DeepSeek',
  environment: { credential: ['DEEPSEEK_API_KEY'], baseUrl: 'DEEPSEEK_BASE_URL' },
  defaultBaseUrl: 'https://api.deepseek.com',
  versionSegment: '',
  documentation: 'https://api-docs.deepseek.com/api/create-chat-completion',
  requestIdHeader: 'x-ds-trace-id',
  quirks: {
    assistantReasoning: 'reasoning_content',
    reasoning: 'thinking-switch',
    jsonSchema: false,
    unsupported: ['topK', 'n', 'seed', 'logitBias', 'parallelToolCalls', 'user', 'serviceTier'],
  },
});

/** Refuses members that it does not know with 422; thoughts are content parts (recorded). */
export const mistral = defineOpenAiCompatible({
  id: 'mistral',
  title: 'Mistral',
  environment: { credential: ['MISTRAL_API_KEY'], baseUrl: 'MISTRAL_BASE_URL' },
  defaultBaseUrl: 'https://api.mistral.ai',
  versionSegment: '/v1',
  documentation: 'https://docs.mistral.ai/api/#tag/chat',
  requestIdHeader: 'mistral-correlation-id',
  disconnect: { onClientGone: 'drain' },
  quirks: {
    streamUsageOption: false,
    assistantReasoning: 'thinking-parts',
    seedField: 'random_seed',
    unsupported: [
      'topK',
      'logprobs',
      'topLogprobs',
      'logitBias',
      'user',
      'serviceTier',
      'messageName',
    ],
  },
});

export const together = defineOpenAiCompatible({
  id: 'together',
  title: 'Together AI',
  environment: { credential: ['TOGETHER_API_KEY'], baseUrl: 'TOGETHER_BASE_URL' },
  defaultBaseUrl: 'https://api.together.xyz',
  versionSegment: '/v1',
  documentation: 'https://docs.together.ai/reference/chat-completions-1',
  quirks: { unsupported: ['user', 'serviceTier', 'parallelToolCalls'] },
});

/** A router in front of many providers: thinking and searching have forms of its own (recorded). */
export const openRouter = defineOpenAiCompatible({
  id: 'openrouter',
  title: 'OpenRouter',
  environment: { credential: ['OPENROUTER_API_KEY'], baseUrl: 'OPENROUTER_BASE_URL' },
  defaultBaseUrl: 'https://openrouter.ai/api',
  versionSegment: '/v1',
  documentation: 'https://openrouter.ai/docs/api-reference/chat-completion',
  requestIdHeader: 'x-generation-id',
  disconnect: { onClientGone: 'drain' },
  quirks: {
    maxTokensFields: ['max_tokens', 'max_completion_tokens'],
    assistantReasoning: 'reasoning',
    reasoning: 'reasoning-object',
    webSearch: { kind: 'tool', type: 'openrouter:web_search' },
    unsupported: ['n'],
    settingHeaders: { referer: 'http-referer', title: 'x-title' },
  },
  lookUp: openRouterLookUp,
});

/** Counts reasoning beside `completion_tokens`, which the usage rules of the protocol see by the total (recorded). */
export const xAi = defineOpenAiCompatible({
  id: 'xai',
  title: 'xAI',
  environment: { credential: ['XAI_API_KEY'], baseUrl: 'XAI_BASE_URL' },
  defaultBaseUrl: 'https://api.x.ai',
  versionSegment: '/v1',
  documentation: 'https://docs.x.ai/docs/api-reference#chat-completions',
  quirks: {
    maxTokensFields: ['max_completion_tokens', 'max_tokens'],
    unsupported: ['topK', 'logitBias', 'serviceTier'],
  },
});

/** Answers penalties, `logit_bias`, `parallel_tool_calls` and `service_tier` with 400. */
export const cerebras = defineOpenAiCompatible({
  id: 'cerebras',
  title: 'Cerebras',
  environment: { credential: ['CEREBRAS_API_KEY'], baseUrl: 'CEREBRAS_BASE_URL' },
  defaultBaseUrl: 'https://api.cerebras.ai',
  versionSegment: '/v1',
  documentation: 'https://inference-docs.cerebras.ai/resources/openai',
  quirks: {
    maxTokensFields: ['max_completion_tokens'],
    unsupported: [
      'topK',
      'presencePenalty',
      'frequencyPenalty',
      'logitBias',
      'parallelToolCalls',
      'serviceTier',
      'n',
    ],
  },
});

/**
 * Always searches and calls no functions. Deep research bills citation and reasoning tokens beside the total; both
 * stand as plain members of its usage (https://docs.perplexity.ai/guides/pricing).
 */
export const perplexity = defineOpenAiCompatible({
  id: 'perplexity',
  title: 'Perplexity',
  environment: { credential: ['PERPLEXITY_API_KEY'], baseUrl: 'PERPLEXITY_BASE_URL' },
  defaultBaseUrl: 'https://api.perplexity.ai',
  versionSegment: '',
  documentation: 'https://docs.perplexity.ai/api-reference/chat-completions-post',
  disconnect: { onClientGone: 'drain' },
  quirks: {
    streamUsageOption: false,
    webSearch: { kind: 'always' },
    usageBesideTotal: {
      citation_tokens: 'input_text_tokens',
      reasoning_tokens: 'reasoning_tokens',
    },
    unsupported: [
      'tools',
      'toolChoice',
      'parallelToolCalls',
      'stop',
      'seed',
      'n',
      'logprobs',
      'topLogprobs',
      'logitBias',
      'user',
      'serviceTier',
      'messageName',
    ],
  },
});

/** WaveSpeed's text models, `vendor/model`: a server of its own, under the same key. */
export const waveSpeedText = defineOpenAiCompatible({
  id: 'wavespeed-llm',
  title: 'WaveSpeed LLM',
  environment: { credential: ['WAVESPEED_API_KEY'], baseUrl: 'WAVESPEED_LLM_BASE_URL' },
  defaultBaseUrl: 'https://llm.wavespeed.ai',
  versionSegment: '/v1',
  documentation: 'https://wavespeed.ai/docs/docs-api/llm',
});

/** Ignores what it does not know, so whatever its page does not list is dropped with a warning here. */
export const ollama = defineOpenAiCompatible({
  id: 'ollama',
  title: 'Ollama',
  environment: {
    credential: ['OLLAMA_API_KEY'],
    baseUrl: 'OLLAMA_BASE_URL',
    credentialOptional: true,
  },
  defaultBaseUrl: null,
  versionSegment: '/v1',
  documentation: 'https://docs.ollama.com/api/openai-compatibility',
  quirks: {
    assistantReasoning: 'reasoning',
    unsupported: [
      'topK',
      'toolChoice',
      'parallelToolCalls',
      'logitBias',
      'user',
      'n',
      'serviceTier',
      'messageName',
    ],
  },
});

export const vLlm = defineOpenAiCompatible({
  id: 'vllm',
  title: 'vLLM',
  environment: {
    credential: ['VLLM_API_KEY'],
    baseUrl: 'VLLM_BASE_URL',
    credentialOptional: true,
  },
  defaultBaseUrl: null,
  versionSegment: '/v1',
  documentation: 'https://docs.vllm.ai/en/stable/serving/openai_compatible_server.html',
  quirks: {
    maxTokensFields: ['max_completion_tokens', 'max_tokens'],
    assistantReasoning: 'reasoning_content',
    unsupported: ['serviceTier'],
  },
});
