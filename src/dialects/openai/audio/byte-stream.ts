/**
 * Sound on its way through: bytes as they come, but for the last piece, which waits for the settlement.
 *
 * @module
 */
import { providerFailure, type ProviderFailure } from '../../../contracts/provider-failure.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { AnswerStream } from '../../../gateway/text-call.ts';

export class ByteStream implements AnswerStream {
  readonly usage: UsageVector;
  readonly modelServed: string | null;
  readonly serviceTier = null;
  readonly estimatedOutputTokens = 0;
  readonly finishReasons: readonly string[] = [];
  failure: ProviderFailure | null = null;
  isComplete = false;
  events = 0;
  #withheld: Buffer | null = null;

  constructor(usage: UsageVector, modelServed: string | null) {
    this.usage = usage;
    this.modelServed = modelServed;
  }

  get hasContent(): boolean {
    return this.events > 0;
  }

  get isDone(): boolean {
    return this.isComplete;
  }

  push(chunk: Buffer): Buffer | null {
    if (chunk.length === 0) return null;
    this.events += 1;
    const out = this.#withheld;
    this.#withheld = Buffer.from(chunk);
    return out;
  }

  end(): Buffer | null {
    if (this.#withheld === null) {
      this.failure = providerFailure({
        kind: 'malformed_reply',
        status: 200,
        message: 'The provider sent an empty body.',
      });
    } else this.isComplete = true;
    return null;
  }

  close(): Buffer {
    return this.#withheld ?? Buffer.alloc(0);
  }
}
