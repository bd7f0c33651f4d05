/**
 * Asking a provider what one of its calls will cost. It informs quotes and nothing else: what is held and booked rests on the price
 * book alone.
 *
 * @module
 */
import type { Operation } from './metering.ts';
import type { NanoUsd } from './money.ts';
import type { ProviderTarget, WireReply, WireRequest } from './wire.ts';

/** An operation as a quote knows it; null where the quote says nothing. */
export interface PricedCall {
  readonly operation: Operation;
  readonly pictures: number | null;
  /** `<width>x<height>` */
  readonly size: string | null;
  readonly seconds: number | null;
  readonly resolution: string | null;
  readonly withAudio: boolean | null;
}

/** A provider that tells prices. */
export interface PriceTeller {
  /** The question; null where this operation's price hangs on what a quote does not know. */
  ask(call: PricedCall, target: ProviderTarget): WireRequest | null;
  /** The price of one call in a 2xx reply; null where it names none in US dollars. */
  read(reply: WireReply): NanoUsd | null;
}
