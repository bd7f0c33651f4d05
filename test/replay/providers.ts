/**
 * Which recordings are replayed, and through which provider of the gateway.
 *
 * @module
 */
import type { RecordingEntry } from '../support/recordings.ts';

const OWN_ID = [
  'openai',
  'groq',
  'deepseek',
  'mistral',
  'together',
  'openrouter',
  'xai',
  'cerebras',
  'perplexity',
  'huggingface',
  'gemini',
] as const;

/** Servers that an operator would name by their base URL alone. */
const GENERIC = [
  'azure',
  'alibaba',
  'fireworks',
  'hyperbolic',
  'nebius',
  'novita',
  'sambanova',
  'writer',
  'ollama',
] as const;

/** Recorded provider to provider of the gateway. */
export const PROVIDER_BY_RECORDED: ReadonlyMap<string, string> = new Map([
  ...OWN_ID.map((id) => [id, id] as const),
  ...GENERIC.map((id) => [id, 'openai-compatible'] as const),
  // Vertex answers as Gemini does.
  ['vertex', 'gemini'],
]);

function callOf(entry: RecordingEntry): string {
  return entry.operation.split('.')[0] ?? '';
}

export function isChat(entry: RecordingEntry): boolean {
  return PROVIDER_BY_RECORDED.has(entry.provider) && callOf(entry) === 'chat';
}

export function isGenerateContent(entry: RecordingEntry): boolean {
  return (
    PROVIDER_BY_RECORDED.get(entry.provider) === 'gemini' && callOf(entry) === 'generateContent'
  );
}

/** Errors of every call: a server has one form of errors, whatever it was asked. */
export function isError(entry: RecordingEntry): boolean {
  return PROVIDER_BY_RECORDED.has(entry.provider) && callOf(entry) === 'error';
}

/** The provider of the gateway that a recording is replayed through. */
export function providerOf(entry: RecordingEntry): string {
  const provider = PROVIDER_BY_RECORDED.get(entry.provider);
  if (provider === undefined) throw new Error(`${entry.provider} is not replayed`);
  return provider;
}
