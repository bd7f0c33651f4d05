/**
 * What a text dialect hands to the pipeline: the facts that limits and prices need, and the ways to render an answer.
 *
 * @module
 */
import type { Dimensions } from '../catalog/media-rate.ts';
import type { MediaInput } from '../contracts/media.ts';
import type { ProviderFailure } from '../contracts/provider-failure.ts';
import type { TextOptions, TextResult } from '../contracts/text.ts';
import type { RelayReading, TextRelay, TextStreamReader } from '../contracts/text-provider.ts';
import type { KeepMedia } from './keep-media.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type { MemberPlaces, WireProtocol } from '../contracts/wire.ts';

/** What the gateway knows of an answer once it is settled. */
export interface Receipt {
  readonly requestId: string;
  readonly costNanoUsd: bigint;
  readonly usage: UsageVector;
  readonly estimated: boolean;
  /** `provider/model` that answered. */
  readonly model: string;
  readonly createdAtMs: number;
}

/** Identity of an answer while it is written. */
export interface AnswerContext {
  readonly requestId: string;
  /** Model id as the provider knows it; replaced by what the provider says it served. */
  readonly model: string;
  readonly createdAtMs: number;
}

/**
 * One streamed answer on its way from provider bytes to client bytes. Terminal frames are withheld for
 * {@link close}, since they may leave only after the settlement is committed (reliability rule R11).
 */
export interface AnswerStream {
  /**
   * Takes one upstream chunk and returns the bytes that may leave now; null when there are none. The chunk is overwritten
   * once this has returned, and so may be, with the next one, what it returns.
   */
  push(chunk: Buffer): Buffer | null;
  /** The upstream ended: returns what was still withheld, or sets `failure` when the answer is incomplete. */
  end(): Buffer | null;
  /** Set by `push` or `end` for an in-band error, malformed JSON, an oversize event or an early end; final. */
  readonly failure: ProviderFailure | null;
  /** True once text, a tool call, a refusal or a finish has been seen: before it another candidate may answer. */
  readonly hasContent: boolean;
  /** True once every choice has finished. */
  readonly isComplete: boolean;
  /** True when nothing more can come: the end marker was seen. */
  readonly isDone: boolean;
  /** Count of complete events so far: progress for the stall timer. */
  readonly events: number;
  readonly usage: UsageVector | null;
  readonly modelServed: string | null;
  /** The service tier that answers, as the provider names it; null while it has named none. */
  readonly serviceTier: string | null;
  /** Output tokens counted from what was delivered, for when the provider never sends usage. */
  readonly estimatedOutputTokens: number;
  readonly finishReasons: readonly string[];
  /** Of bytes that are not of the type that the call asked for; absent: they are. */
  readonly contentType?: string;
  /** True where it reads replies of any media type, errors among them; absent: a reply of text is an error. */
  readonly readsAnyType?: boolean;
  /** Dimensions of the price that the answer decided; absent: none. */
  readonly dimensions?: Dimensions | null;
  /** Terminal frames of a complete answer. */
  close(receipt: Receipt): Buffer;
}

/** The media among the parts of a request. */
export interface RequestMedia {
  /** Upper bound of tokens of media whose size the bytes do not bound; null when it cannot be bounded but by the context. */
  readonly tokensMax: number | null;
  /** Bytes of the request that are inline pictures: `tokensMax` bounds these, whatever their length. */
  readonly imageBytes: number;
  /** Bytes of the request that are inline media of any kind. */
  readonly bytes: number;
  /** About how many tokens all media are, for estimates where a provider never counts. */
  readonly expectedTokens: number;
}

export const NO_MEDIA: RequestMedia = Object.freeze({
  tokensMax: 0,
  imageBytes: 0,
  bytes: 0,
  expectedTokens: 0,
});

/** Facts and renderers of one parsed request. */
export interface TextCall {
  readonly kind: 'text';
  readonly operation: 'text.generate';
  readonly work: 'text';
  /** Streams are of events, never of bare bytes. */
  readonly streamType: null;
  readonly protocol: WireProtocol;
  /** Model name as the caller wrote it. */
  readonly model: string;
  readonly stream: boolean;
  /** Original bytes, where their members stand, and their one parse. */
  readonly bytes: Buffer;
  readonly members: MemberPlaces;
  /** The bytes as letters (latin1), where that is the text that was parsed; null otherwise, and of large bodies. */
  readonly letters: string | null;
  readonly body: Readonly<Record<string, unknown>>;
  readonly namedMaxOutputTokens: number | null;
  /** Field in which the caller names the maximum: refusals and warnings speak of it. */
  readonly maxOutputField: string;
  readonly choices: number;
  /** `service_tier` as the caller named it; null: not named. */
  readonly serviceTier: string | null;
  readonly maxSearches: number;
  readonly media: RequestMedia;
  /** Options that the dialect knows no meaning for. */
  readonly unknownParameters: readonly string[];
  /** Options that the dialect knows, and that only a provider of the same protocol is sent. */
  readonly untranslatedParameters: readonly string[];
  /** The request in the gateway's own terms. @throws GatewayError naming the field that cannot be translated */
  options(): TextOptions;
  /** A translated whole answer in the dialect's shape. */
  renderResult(result: TextResult, receipt: Receipt): Buffer;
  /** A translated stream. */
  openStream(reader: TextStreamReader, context: AnswerContext): AnswerStream;
  /** A relayed stream of the same protocol. */
  openRelay(relay: TextRelay, context: AnswerContext): AnswerStream;
}

/** A whole answer, relayed or translated, before settlement. */
export interface WholeAnswer {
  readonly usage: UsageVector | null;
  readonly modelServed: string | null;
  readonly serviceTier: string | null;
  /** Length of the visible answer in bytes, for an estimate when usage is missing. */
  readonly outputBytes: number;
  readonly contentType: string;
  /** Stores media for a caller who wants addresses; null where there are none. */
  readonly store: ((keep: KeepMedia) => Promise<void>) | null;
  /** Dimensions of the price that the reply decided; null where tokens alone are priced. */
  readonly dimensions: Dimensions | null;
  /** Pictures that a moderation judges before they are delivered; absent: none. */
  readonly images?: readonly MediaInput[] | undefined;
  /** What came of it beside media, as jobs show it; absent: what {@link render} makes. */
  readonly result?: Readonly<Record<string, unknown>> | null | undefined;
  /** What {@link render} makes as text, where that is at hand; absent or null: it is not. */
  readonly letters?: string | null | undefined;
  render(receipt: Receipt): Buffer;
}

/** Keeps a relayed reading and its bytes together. */
export function relayedAnswer(reading: RelayReading, body: Buffer): WholeAnswer {
  return {
    usage: reading.usage,
    modelServed: reading.modelServed,
    serviceTier: reading.serviceTier,
    outputBytes: body.length,
    contentType: 'application/json',
    store: null,
    dimensions: null,
    letters: reading.letters,
    render: () => body,
  };
}
