/**
 * Sound that is taken out of a provider's reply on its way through ({@link SpeechReader}).
 *
 * @module
 */
import type { ResultFacts } from '../../../contracts/media.ts';
import { ProviderFailureError, type ProviderFailure } from '../../../contracts/provider-failure.ts';
import type { SpeechReader } from '../../../contracts/speech-provider.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { AnswerStream } from '../../../gateway/text-call.ts';
import { ByteStream } from './byte-stream.ts';

export class SpokenStream implements AnswerStream {
  readonly serviceTier = null;
  readonly estimatedOutputTokens = 0;
  readonly finishReasons: readonly string[] = [];
  readonly readsAnyType = true;
  events = 0;
  #failure: ProviderFailure | null = null;
  readonly #reader: SpeechReader;
  readonly #contentType: string;
  readonly #facts: ResultFacts;
  readonly #sound: ByteStream;

  /** @param facts what is billed where the reply does not say */
  constructor(reader: SpeechReader, contentType: string, facts: ResultFacts) {
    this.#reader = reader;
    this.#contentType = contentType;
    this.#facts = facts;
    this.#sound = new ByteStream(facts.usage, facts.modelServed);
  }

  get contentType(): string {
    return this.#reader.mediaType ?? this.#contentType;
  }

  get failure(): ProviderFailure | null {
    return this.#failure ?? this.#sound.failure;
  }

  get hasContent(): boolean {
    return this.#sound.hasContent;
  }

  get isComplete(): boolean {
    return this.#sound.isComplete;
  }

  get isDone(): boolean {
    return this.isComplete;
  }

  get usage(): UsageVector {
    return (this.#reader.facts ?? this.#facts).usage;
  }

  get modelServed(): string | null {
    return (this.#reader.facts ?? this.#facts).modelServed;
  }

  push(chunk: Buffer): Buffer | null {
    this.events += 1;
    return this.#passed(() => this.#reader.push(chunk));
  }

  end(): Buffer | null {
    const out = this.#passed(() => this.#reader.end());
    if (this.#failure === null) this.#sound.end();
    return out;
  }

  close(): Buffer {
    return this.#sound.close();
  }

  /** Sound goes on; a failure is kept. */
  #passed(read: () => Buffer | null): Buffer | null {
    try {
      const sound = read();
      return sound === null ? null : this.#sound.push(sound);
    } catch (error) {
      if (!(error instanceof ProviderFailureError)) throw error;
      this.#failure = error.failure;
      return null;
    }
  }
}
