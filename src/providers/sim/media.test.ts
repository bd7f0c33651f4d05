import type { SentMedia } from '../../contracts/media.ts';
import { mediaConformance } from '../openai-compatible/media/media-fixture.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { simProvider } from './provider.ts';

const fixture = mediaConformance(simProvider, {
  image: 'image',
  speech: 'speech',
  transcription: 'transcribe',
  embedding: 'embed',
});

/** Replies of pictures are read alike, whatever was asked for. */
const { reply, usage, broken, check } = fixture.edit ?? {};
if (reply === undefined || usage === undefined || broken === undefined || check === undefined) {
  throw new Error('the fixture has no edits');
}
const pictures = { reply, usage, broken, check };

const image: SentMedia = {
  type: 'bytes',
  bytes: Buffer.from('a picture'),
  mediaType: 'image/png',
  fileName: 'image.png',
};
const other: SentMedia = { ...image, bytes: Buffer.from('another picture') };
const FURTHER = [{ image: other }, { outputFormat: 'webp' }, { extra: { further: 'option' } }];

describeMediaProvider({
  ...fixture,
  swapFace: {
    ...pictures,
    model: 'face-swap',
    options: {
      image,
      faceImage: other,
      targetIndex: null,
      targetGender: null,
      outputFormat: null,
      extra: {},
    },
    variants: [...FURTHER, { faceImage: image }, { targetIndex: 0 }, { targetGender: 'female' }],
  },
  upscale: {
    ...pictures,
    model: 'upscale',
    options: { image, scale: null, mode: null, prompt: null, outputFormat: null, extra: {} },
    variants: [...FURTHER, { scale: 2 }, { mode: 'creative' }, { prompt: 'a lighthouse' }],
  },
  removeBackground: {
    ...pictures,
    model: 'remove-background',
    options: { image, outputFormat: null, extra: {} },
    variants: FURTHER,
  },
});
