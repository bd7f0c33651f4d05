/**
 * Sound as events (https://platform.openai.com/docs/api-reference/audio/speech-audio-delta-event): every piece of a stream
 * of bytes becomes one, and its end the last.
 *
 * @module
 */
import type { ProviderFailure } from '../../../contracts/provider-failure.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../../../contracts/usage.ts';
import type { AnswerStream, Receipt } from '../../../gateway/text-call.ts';
import { eventFrame } from '../event-stream.ts';
import { costOf } from '../receipt-usage.ts';

function deltaFrame(bytes: Buffer): Buffer {
  return eventFrame({ type: 'speech.audio.delta', audio: bytes.toString('base64') });
}

function doneFrame(receipt: Receipt): Buffer {
  const input = inputTokensOf(receipt.usage);
  const output = outputTokensOf(receipt.usage);
  return eventFrame({
    type: 'speech.audio.done',
    usage: {
      input_tokens: input,
      output_tokens: output,
      total_tokens: input + output,
      ...costOf(receipt),
    },
  });
}

export class SpokenEvents implements AnswerStream {
  readonly readsAnyType = true;
  readonly serviceTier = null;
  readonly estimatedOutputTokens = 0;
  readonly finishReasons: readonly string[] = [];
  readonly #sound: AnswerStream;

  /** @param sound the same sound as bytes */
  constructor(sound: AnswerStream) {
    this.#sound = sound;
  }

  get failure(): ProviderFailure | null {
    return this.#sound.failure;
  }

  get hasContent(): boolean {
    return this.#sound.hasContent;
  }

  get isComplete(): boolean {
    return this.#sound.isComplete;
  }

  get isDone(): boolean {
    return this.#sound.isDone;
  }

  get events(): number {
    return this.#sound.events;
  }

  get usage(): UsageVector | null {
    return this.#sound.usage;
  }

  get modelServed(): string | null {
    return this.#sound.modelServed;
  }

  push(chunk: Buffer): Buffer | null {
    const sound = this.#sound.push(chunk);
    return sound === null ? null : deltaFrame(sound);
  }

  end(): Buffer | null {
    const sound = this.#sound.end();
    return sound === null ? null : deltaFrame(sound);
  }

  close(receipt: Receipt): Buffer {
    const rest = this.#sound.close(receipt);
    const done = doneFrame(receipt);
    return rest.length === 0 ? done : Buffer.concat([deltaFrame(rest), done]);
  }
}
