/**
 * Calls of every operation but text generation: pictures, sound, embeddings. They are bounded and priced by what they
 * ask for ({@link OperationSpec}) and translated by the adapter that serves them.
 *
 * @module
 */
import type { OperationSpec } from '../catalog/operation-spec.ts';
import type { ResultFacts } from '../contracts/media.ts';
import type { Operation } from '../contracts/metering.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../contracts/wire.ts';
import type { Work } from '../routing/index.ts';
import type { KeepMedia } from './keep-media.ts';
import type { AnswerStream, Receipt } from './text-call.ts';

/** A whole answer, read and ready to be rendered once it is settled. */
export interface OperationAnswer {
  readonly facts: ResultFacts;
  readonly contentType: string;
  /** Of the answer's own, such as items that are missing: `x-gateway-warnings`. */
  readonly warnings: readonly string[];
  /** Stores what the caller wants addresses of; null where bytes are delivered. Before {@link render}. */
  readonly store: ((keep: KeepMedia) => Promise<void>) | null;
  render(receipt: Receipt): Buffer;
}

/** One prepared operation on one candidate. */
export interface PreparedOperation {
  readonly request: WireRequest;
  readonly warnings: readonly ProviderWarning[];
  /** Reads a whole 2xx reply. @throws ProviderFailureError */
  read(reply: WireReply): OperationAnswer;
  /** Opens the reader of a streamed 2xx reply. */
  open(): AnswerStream;
}

/** Facts of one parsed request and the ways to have it done. */
export interface OperationCall {
  readonly kind: 'operation';
  readonly operation: Exclude<Operation, 'text.generate'>;
  readonly work: Work;
  /** Model name as the caller wrote it. */
  readonly model: string;
  /** Whether the answer's bytes go to the client as they come. */
  readonly stream: boolean;
  /** Media type of streamed bytes; null where the answer is whole. */
  readonly streamType: string | null;
  /** What limits and prices need. */
  readonly spec: OperationSpec;
  /** Operations are sold in one tier. */
  readonly serviceTier: null;
  readonly unknownParameters: readonly string[];
  /** Whether the provider has this operation at all. */
  isServedBy(definition: ProviderDefinition): boolean;
  /** @throws GatewayError `invalid_request` naming what the model cannot take */
  prepare(definition: ProviderDefinition, target: ProviderTarget): PreparedOperation;
}
