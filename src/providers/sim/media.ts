/**
 * The built-in simulator takes every option, so that all of them can be tried without a key.
 *
 * @module
 */
import type { MediaServer } from '../openai-compatible/media/server.ts';

export const simMedia: MediaServer = {
  versionSegment: '/v1',
  settingHeaders: {},
  image: () => ({
    maxImages: 10,
    asksForBytes: true,
    editModes: true,
    streams: true,
    options: new Set([
      'quality',
      'style',
      'background',
      'output_format',
      'output_compression',
      'moderation',
      'input_fidelity',
      'negative_prompt',
      'guidance_scale',
      'steps',
      'seed',
    ]),
  }),
  takesInstructions: () => true,
  transcription: () => ({ timestamps: true, speakers: true, translates: true, streams: true }),
};
