/**
 * HTTP as values: what an adapter wants sent, and what came back. Adapters never touch sockets.
 *
 * @module
 */

/** A request as an adapter wants it sent. */
export interface WireRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Path and query after the provider's base URL, already percent-encoded, starting with `/`. */
  readonly path: string;
  /** Lower-case names. The transport adds nothing but framing. Frozen headers are not checked and written anew for every call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Headers of this call alone, in place of those of `headers` with the same name. */
  readonly callHeaders?: Readonly<Record<string, string>>;
  readonly body: Buffer | null;
  /** A large body in place of `body`, in pieces that are sent one after the other: most of it is somebody else's bytes. */
  readonly bodyPieces?: readonly Buffer[];
  /** A small body in place of `body`, its bytes as the letters of a text (latin1): it need not be copied to leave with the head. */
  readonly bodyText?: string;
}

/** A whole reply as it came. */
export interface WireReply {
  readonly status: number;
  /** Lower-case names; repeated headers joined with `, `. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

/** One event of a `text/event-stream` body, as the WHATWG rules dispatch it. */
export interface ServerSentEvent {
  /** `message` when the stream named none. */
  readonly event: string;
  /** Data lines joined with `\n`. */
  readonly data: string;
}

/** Wire protocols that client dialects and providers may have in common, so that bytes can pass through. */
export type WireProtocol =
  | 'openai-chat'
  | 'openai-responses'
  | 'anthropic-messages'
  | 'gemini-generate';

/**
 * Where the top-level members of a JSON object stand in its bytes, duplicates included, four offsets each: of its key's opening
 * quote, just past its key, of its value, and just past its value.
 */
export type MemberPlaces = readonly number[];

/** Where and as whom a provider is called: given per call, never read from the environment or a global. */
export interface ProviderTarget {
  /** Model id as the provider knows it (the part after `provider/`). */
  readonly model: string;
  /** Origin and path before the version segment, no slash at the end. */
  readonly baseUrl: string;
  /** API key or token; null for servers that need none. */
  readonly credential: string | null;
  /** Operator's settings for this provider entry, such as extra headers. */
  readonly settings: Readonly<Record<string, string>>;
}
