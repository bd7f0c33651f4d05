/**
 * Sound as events: `speech.audio.delta` with base64, at last `speech.audio.done` with the tokens that are billed
 * (https://platform.openai.com/docs/api-reference/audio/speech-audio-done-event; not recorded).
 *
 * @module
 */
import type { ResultFacts } from '../../../contracts/media.ts';
import { ProviderFailureError, providerFailure } from '../../../contracts/provider-failure.ts';
import type { SpeechReader } from '../../../contracts/speech-provider.ts';
import { parseEvent, SseFramer } from '../../../http/sse-framer.ts';
import { malformed } from '../../replies.ts';
import { objectOf, textOf, type LooseObject } from '../loose-json.ts';
import { countOf, objectIn } from './server.ts';

const EVENT_MAX_BYTES = 32 * 1024 * 1024;

function brokenOff(): ProviderFailureError {
  return new ProviderFailureError(
    providerFailure({
      kind: 'broken_stream',
      status: 200,
      message: 'The provider ended the stream before the speech was complete.',
    }),
  );
}

/** Takes the sound out of the events, and what was billed out of the last. */
export class SpokenEventReader implements SpeechReader {
  readonly #framer = new SseFramer(EVENT_MAX_BYTES);
  readonly #characters: number;
  facts: ResultFacts | null = null;

  /** @param characters that are spoken: those who sell by them are paid for them */
  constructor(characters: number) {
    this.#characters = characters;
  }

  push(chunk: Buffer): Buffer | null {
    const sounds: Buffer[] = [];
    const isTaken = this.#framer.push(chunk, (bytes, start, end) => {
      const data = parseEvent(bytes, start, end)?.data ?? '';
      if (data === '' || data === '[DONE]') return;
      const sound = this.#soundOf(objectIn(data));
      if (sound !== null) sounds.push(sound);
    });
    if (!isTaken) throw malformed('The provider sent an event that is too long.');
    return sounds.length === 0 ? null : Buffer.concat(sounds);
  }

  end(): null {
    if (this.facts === null) throw brokenOff();
    return null;
  }

  #soundOf(event: LooseObject): Buffer | null {
    switch (textOf(event['type'])) {
      case 'speech.audio.delta': {
        const audio = textOf(event['audio']);
        if (audio === null) throw malformed('The provider sent a piece of speech without sound.');
        return Buffer.from(audio, 'base64');
      }
      case 'speech.audio.done': {
        const usage = objectOf(event['usage']);
        const [input, output] = [countOf(usage['input_tokens']), countOf(usage['output_tokens'])];
        this.facts = {
          usage: {
            characters: this.#characters,
            ...(input === 0 ? {} : { input_text_tokens: input }),
            ...(output === 0 ? {} : { output_audio_tokens: output }),
          },
          modelServed: null,
          dimensions: {},
        };
        return null;
      }
      default:
        // An event of a kind that was not there before says nothing of the sound.
        return null;
    }
  }
}
