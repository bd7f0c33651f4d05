import { expect } from 'vitest';
import type { SentMedia } from '../../contracts/media.ts';
import { mediaConformance } from '../openai-compatible/media/media-fixture.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { simProvider } from './provider.ts';

const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

function picture(fileName: string): SentMedia {
  const bytes = Buffer.from(PNG, 'base64');
  return { type: 'bytes', bytes, mediaType: 'image/png', fileName };
}
const recording: SentMedia = {
  type: 'bytes',
  bytes: Buffer.from('RIFF....WAVE'),
  mediaType: 'audio/wav',
  fileName: 'samples.wav',
};

const pictures = {
  reply: { created: 1, data: [{ b64_json: PNG }], output_format: 'png', size: '1x1' },
  usage: { images: 1 },
  broken: [{ data: [] }, { created: 1 }],
  check: ({ images }: { readonly images: readonly { readonly bytes: Buffer | null }[] }) => {
    expect(images.map(({ bytes }) => bytes?.toString('base64'))).toEqual([PNG]);
  },
};
const nothing = { outputFormat: null, extra: {} };

describeMediaProvider({
  ...mediaConformance(simProvider, {
    image: 'image',
    speech: 'speech',
    transcription: 'transcribe',
    embedding: 'embed',
  }),
  swapFace: {
    ...pictures,
    model: 'face-swap',
    options: {
      ...nothing,
      image: picture('image.png'),
      faceImage: picture('face_image.png'),
      targetIndex: null,
      targetGender: null,
    },
    variants: [
      { targetIndex: 1 },
      { targetGender: 'female' },
      { outputFormat: 'webp' },
      { extra: { further: 'option' } },
    ],
  },
  upscale: {
    ...pictures,
    model: 'upscale',
    options: { ...nothing, image: picture('image.png'), scale: null, mode: null, prompt: null },
    variants: [
      { scale: 2 },
      { mode: 'creative' },
      { prompt: 'a harbour' },
      { outputFormat: 'webp' },
      { extra: { further: 'option' } },
    ],
  },
  removeBackground: {
    ...pictures,
    model: 'remove-background',
    options: { ...nothing, image: picture('image.png') },
    variants: [{ outputFormat: 'webp' }, { extra: { further: 'option' } }],
  },
  cloneVoice: {
    model: 'voice-clone',
    options: { samples: [recording], name: 'Ada', description: null, text: null, extra: {} },
    variants: [
      { samples: [recording, recording] },
      { name: 'Grace' },
      { description: 'low and calm' },
      { text: 'Hello.' },
      { extra: { further: 'option' } },
    ],
    reply: { id: 'sim-voice-1', object: 'voice', name: 'Ada' },
    usage: { voice_clones: 1, characters: 0 },
    broken: [{}, { id: 7 }],
    check: ({ voiceId }) => expect(voiceId).toBe('sim-voice-1'),
  },
  voices: {
    reply: { object: 'list', data: [{ id: 'slt', name: 'slt', language: 'en-US' }, { id: 'rms' }] },
    count: 2,
    broken: [{}, { data: 'none' }],
  },
});
