import { expect, test } from 'vitest';
import { PROVIDERS, providerById } from './registry.ts';

test('ids are unique and found', () => {
  const ids = PROVIDERS.map((provider) => provider.id);
  expect(new Set(ids).size).toBe(ids.length);
  for (const provider of PROVIDERS) expect(providerById(provider.id)).toBe(provider);
  expect(providerById('nobody')).toBeUndefined();
});

test.each([
  ['huggingface', 'https://router.huggingface.co', '/v1', 'HF_TOKEN', 'HF_BASE_URL'],
  ['openai', 'https://api.openai.com', '/v1', 'OPENAI_API_KEY', 'OPENAI_BASE_URL'],
  ['stability', 'https://api.stability.ai', '/v2beta', 'STABILITY_API_KEY', 'STABILITY_BASE_URL'],
  ['deepgram', 'https://api.deepgram.com', '/v1', 'DEEPGRAM_API_KEY', 'DEEPGRAM_BASE_URL'],
  ['elevenlabs', 'https://api.elevenlabs.io', '/v1', 'ELEVENLABS_API_KEY', 'ELEVENLABS_BASE_URL'],
  ['groq', 'https://api.groq.com/openai', '/v1', 'GROQ_API_KEY', 'GROQ_BASE_URL'],
  ['mistral', 'https://api.mistral.ai', '/v1', 'MISTRAL_API_KEY', 'MISTRAL_BASE_URL'],
  ['together', 'https://api.together.xyz', '/v1', 'TOGETHER_API_KEY', 'TOGETHER_BASE_URL'],
  ['xai', 'https://api.x.ai', '/v1', 'XAI_API_KEY', 'XAI_BASE_URL'],
  ['cerebras', 'https://api.cerebras.ai', '/v1', 'CEREBRAS_API_KEY', 'CEREBRAS_BASE_URL'],
  ['openrouter', 'https://openrouter.ai/api', '/v1', 'OPENROUTER_API_KEY', 'OPENROUTER_BASE_URL'],
  ['deepseek', 'https://api.deepseek.com', '', 'DEEPSEEK_API_KEY', 'DEEPSEEK_BASE_URL'],
  ['perplexity', 'https://api.perplexity.ai', '', 'PERPLEXITY_API_KEY', 'PERPLEXITY_BASE_URL'],
  [
    'wavespeed-llm',
    'https://llm.wavespeed.ai',
    '/v1',
    'WAVESPEED_API_KEY',
    'WAVESPEED_LLM_BASE_URL',
  ],
  ['ollama', null, '/v1', 'OLLAMA_API_KEY', 'OLLAMA_BASE_URL'],
  ['vllm', null, '/v1', 'VLLM_API_KEY', 'VLLM_BASE_URL'],
  ['openai-compatible', null, '/v1', 'OPENAI_COMPATIBLE_API_KEY', 'OPENAI_COMPATIBLE_BASE_URL'],
])('%s is configured as documented', (id, base, version, credential, baseVariable) => {
  const provider = providerById(id);
  expect(provider?.defaultBaseUrl).toBe(base);
  expect(provider?.versionSegment).toBe(version);
  expect(provider?.environment.credential).toEqual([credential]);
  expect(provider?.environment.baseUrl).toBe(baseVariable);
  expect(provider?.environment.credentialOptional ?? false).toBe(base === null);
  expect(provider?.documentation).toMatch(/^https:\/\//);
});
