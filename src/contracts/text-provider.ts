/**
 * The text contract. An adapter is a pure translation between {@link TextOptions} and its wire; the gateway
 * owns sockets, time, retries, limits and money. Presence of a method is the capability.
 *
 * @module
 */
import type { ProviderFailure } from './provider-failure.ts';
import type { ProviderWarning, TextOptions, TextResult, TextStreamPart } from './text.ts';
import type { UsageVector } from './usage.ts';
import type {
  MemberPlaces,
  ProviderTarget,
  ServerSentEvent,
  WireProtocol,
  WireReply,
  WireRequest,
} from './wire.ts';

/** One whole answer: what to send, and how to read what comes back. */
export interface TextExchange {
  readonly request: WireRequest;
  readonly warnings: readonly ProviderWarning[];
  /**
   * Reads a 2xx reply.
   *
   * @throws ProviderFailureError when the body is malformed, holds an error, or is a blocked prompt
   */
  read(reply: WireReply): TextResult;
}

/** Reads one streamed answer; one instance a stream. */
export interface TextStreamReader {
  /**
   * Translates one event.
   *
   * @throws ProviderFailureError for an in-band error or malformed JSON (never skipped: text could be lost)
   */
  event(event: ServerSentEvent): readonly TextStreamPart[];
  /**
   * The upstream ended cleanly. Returns what was still withheld.
   *
   * @throws ProviderFailureError `broken_stream` when the answer is not complete by the protocol's own rules
   */
  end(): readonly TextStreamPart[];
  /** True once the answer is complete by the protocol's own rules: nothing need be waited for. */
  readonly complete: boolean;
}

/** One streamed answer: what to send, and a reader of its events. */
export interface TextStreamExchange {
  readonly request: WireRequest;
  readonly warnings: readonly ProviderWarning[];
  open(): TextStreamReader;
}

/** A client request in the provider's own protocol, as bytes and as parsed. */
export interface RelayRequest {
  readonly bytes: Buffer;
  readonly members: MemberPlaces;
  /** The bytes as letters (latin1), where they are at hand; else null. */
  readonly letters: string | null;
  /** The same bytes parsed; only top-level members may be changed. */
  readonly body: Readonly<Record<string, unknown>>;
  /** Output tokens that the gateway allows each choice, in place of what the client named; null: the client's own bound stays. */
  readonly maxOutputTokens: number | null;
  readonly stream: boolean;
}

/** What the gateway must know of a relayed whole answer; the bytes themselves go to the client untouched. */
export interface RelayReading {
  readonly usage: UsageVector | null;
  readonly modelServed: string | null;
  /** The service tier that answered, as the provider named it; null where it named none. */
  readonly serviceTier: string | null;
  /** The bytes of a small reply as letters, where all of them are ASCII; else null. */
  readonly letters: string | null;
}

/** Same-protocol pass-through: bytes are spliced, not re-serialised, and frames go on as they came. */
export interface TextRelay {
  readonly protocol: WireProtocol;
  request(request: RelayRequest, target: ProviderTarget): WireRequest;
  /** @throws ProviderFailureError as {@link TextExchange.read} */
  read(reply: WireReply): RelayReading;
  /** Usage of a parsed stream frame of this protocol, null when the frame carries none. */
  usageOf(frame: Readonly<Record<string, unknown>>): UsageVector | null;
  /** The failure that a parsed frame with an `error` member stands for. */
  failureOf(frame: Readonly<Record<string, unknown>>): ProviderFailure;
}

/** What a provider can do with text. `stream` and `relay` are there only where the provider has them. */
export interface TextProvider {
  generate(options: TextOptions, target: ProviderTarget): TextExchange;
  stream?(options: TextOptions, target: ProviderTarget): TextStreamExchange;
  relay?: TextRelay;
}
