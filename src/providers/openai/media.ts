/**
 * What OpenAI's models of pictures and sound take
 * (https://platform.openai.com/docs/api-reference/images/create, …/audio).
 *
 * @module
 */
import type {
  ImageTraits,
  MediaServer,
  TranscriptionTraits,
} from '../openai-compatible/media/server.ts';

/** gpt-image answers with bytes alone and refuses `response_format` (recorded: 400 `unknown_parameter`). */
const GPT_IMAGE: ImageTraits = {
  maxImages: 10,
  asksForBytes: false,
  streams: true,
  options: new Set([
    'quality',
    'background',
    'output_format',
    'output_compression',
    'moderation',
    'input_fidelity',
  ]),
};
const DALL_E_3: ImageTraits = {
  maxImages: 1,
  asksForBytes: true,
  options: new Set(['quality', 'style']),
};
const DALL_E_2: ImageTraits = { maxImages: 10, asksForBytes: true, options: new Set() };

function imageTraits(model: string): ImageTraits {
  if (model.startsWith('dall-e-3')) return DALL_E_3;
  return model.startsWith('dall-e') ? DALL_E_2 : GPT_IMAGE;
}

function transcriptionTraits(model: string): TranscriptionTraits {
  const isWhisper = model.startsWith('whisper');
  return {
    timestamps: isWhisper,
    speakers: model.includes('diarize'),
    translates: isWhisper,
    streams: !isWhisper,
  };
}

export const openAiMedia: MediaServer = {
  versionSegment: '/v1',
  settingHeaders: { organization: 'openai-organization', project: 'openai-project' },
  image: imageTraits,
  takesInstructions: (model) => !model.startsWith('tts-1'),
  transcription: transcriptionTraits,
  speaksEvents: (model) => !model.startsWith('tts-1'),
};
