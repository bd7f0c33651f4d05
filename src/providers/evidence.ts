/**
 * What adapters and simulators were written from. Operations that stand here have met recorded traffic of the provider; all others rest
 * on its documentation alone, and the first call with a key is the first that meets the real one.
 *
 * @module
 */
import type { Operation } from '../contracts/metering.ts';

const CHAT = ['text.generate'] as const;

/** Operations whose wire was recorded, by provider; also such as its adapter does not have yet. */
export const RECORDED: Readonly<Record<string, readonly Operation[]>> = {
  gemini: [
    'text.generate',
    'text.embed',
    'image.generate',
    'image.edit',
    'audio.speech',
    'audio.transcribe',
    'video.text_to_video',
  ],
  huggingface: [
    'text.generate',
    'text.embed',
    'image.generate',
    'audio.speech',
    'audio.transcribe',
  ],
  openai: [
    'text.generate',
    'text.embed',
    'text.moderate',
    'image.generate',
    'image.edit',
    'audio.speech',
    'audio.transcribe',
  ],
  elevenlabs: ['audio.speech', 'audio.transcribe'],
  deepgram: ['audio.speech', 'audio.transcribe'],
  fal: ['image.generate', 'audio.transcribe'],
  replicate: ['image.generate'],
  groq: CHAT,
  mistral: CHAT,
  together: CHAT,
  xai: CHAT,
  cerebras: CHAT,
  openrouter: CHAT,
  deepseek: CHAT,
  perplexity: CHAT,
  ollama: CHAT,
};
