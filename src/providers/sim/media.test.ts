import { mediaConformance } from '../openai-compatible/media/media-fixture.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { simProvider } from './provider.ts';

describeMediaProvider(
  mediaConformance(simProvider, {
    image: 'image',
    speech: 'speech',
    transcription: 'transcribe',
    embedding: 'embed',
  }),
);
