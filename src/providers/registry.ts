/**
 * Every provider, one line each. Configuration, documentation and conformance tests derive from this list.
 *
 * @module
 */
import type { ProviderDefinition } from '../contracts/provider.ts';
import {
  cerebras,
  deepSeek,
  groq,
  mistral,
  ollama,
  openRouter,
  perplexity,
  together,
  vLlm,
  waveSpeedText,
  xAi,
} from './compatible-servers/provider.ts';
import { deepgram } from './deepgram/provider.ts';
import { elevenLabs } from './elevenlabs/provider.ts';
import { fal } from './fal/provider.ts';
import { gemini } from './gemini/provider.ts';
import { huggingFace } from './huggingface/provider.ts';
import { openAiCompatible } from './openai-compatible/provider.ts';
import { openAi } from './openai/provider.ts';
import { replicate } from './replicate/provider.ts';
import { stability } from './stability/provider.ts';
import { waveSpeed } from './wavespeed/provider.ts';

/** In the order in which they are listed to users. */
export const PROVIDERS: readonly ProviderDefinition[] = [
  gemini,
  huggingFace,
  openAi,
  stability,
  waveSpeed,
  elevenLabs,
  deepgram,
  fal,
  replicate,
  groq,
  mistral,
  together,
  xAi,
  cerebras,
  openRouter,
  deepSeek,
  perplexity,
  waveSpeedText,
  ollama,
  vLlm,
  openAiCompatible,
];

const BY_ID: ReadonlyMap<string, ProviderDefinition> = new Map(
  PROVIDERS.map((provider) => [provider.id, provider]),
);

/** The provider of that id; undefined when there is none. */
export function providerById(id: string): ProviderDefinition | undefined {
  return BY_ID.get(id);
}
