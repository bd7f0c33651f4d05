/**
 * The media capabilities of a server that speaks OpenAI's protocol, as members of its definition.
 *
 * @module
 */
import type { ProviderDefinition } from '../../../contracts/provider.ts';
import { embeddings } from './embeddings.ts';
import { imageEdit, imageGeneration } from './images.ts';
import type { MediaServer } from './server.ts';
import { speech } from './speech.ts';
import { transcription } from './transcription.ts';

/** Everything that the protocol has beside text. */
export function mediaCapabilities(
  server: MediaServer,
): Required<
  Pick<
    ProviderDefinition,
    'embedding' | 'imageGeneration' | 'imageEdit' | 'speech' | 'transcription'
  >
> {
  return {
    embedding: embeddings(server),
    imageGeneration: imageGeneration(server),
    imageEdit: imageEdit(server),
    speech: speech(server),
    transcription: transcription(server),
  };
}
