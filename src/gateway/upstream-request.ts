/**
 * Builds what is sent to a candidate: relayed bytes with the few members that must change, or a translation.
 *
 * @module
 */
import { clientRequestIdOf } from '../contracts/call-look-up.ts';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { TextExchange, TextStreamExchange } from '../contracts/text-provider.ts';
import type { ProviderWarning } from '../contracts/text.ts';
import type { WireReply, WireRequest } from '../contracts/wire.ts';
import { HOP_HEADER } from '../http/upstream.ts';
import type { Candidate } from './candidates.ts';
import { outputTokensPerChoice } from './candidates.ts';
import type { DataPlaneSettings } from './gateway.ts';
import { Preparation } from './preparation.ts';
import { targetOf } from './provider-target.ts';
import { hopsOf } from './request-headers.ts';
import {
  relayedAnswer,
  type AnswerContext,
  type AnswerStream,
  type TextCall,
  type WholeAnswer,
} from './text-call.ts';
import type { CallRun } from './call-run.ts';
import {
  isPreparedJob,
  type OperationAnswer,
  type OperationBatch,
  type OperationCall,
} from './operation-call.ts';

/** Requests that make up one answer together, where the model makes less in one call than was asked for. */
export interface PreparedBatch {
  readonly requests: readonly WireRequest[];
  /** Reads the 2xx replies that came, at least one. @throws ProviderFailureError where none can be read */
  readAll(replies: readonly WireReply[]): WholeAnswer;
}

/** One prepared call: the request, and how its reply becomes an answer. */
export interface PreparedCall {
  readonly request: WireRequest;
  readonly warnings: readonly string[];
  /** In place of `request` and `read`, where several requests make up the answer. */
  readonly batch?: PreparedBatch | undefined;
  /** Reads a whole 2xx reply. @throws ProviderFailureError */
  read(reply: WireReply): WholeAnswer;
  /** Opens the reader of a streamed 2xx reply. */
  open(context: AnswerContext): AnswerStream;
}

function hopHeader(hops: number): Readonly<Record<string, string>> {
  return Object.freeze({ [HOP_HEADER]: String(hops) });
}

/** Nearly all requests come from a client. */
const FIRST_HOP = hopHeader(1);

/**
 * Counts hops, so that a gateway that is its own provider is found out (F98), and names the attempt where the provider
 * can be asked for it afterwards.
 */
export function withOwnHeaders(
  request: WireRequest,
  run: CallRun,
  candidate: Candidate,
): WireRequest {
  const hops = hopsOf(run.exchange) + 1;
  const hop = hops === 1 ? FIRST_HOP : hopHeader(hops);
  const idHeader = candidate.provider.definition.lookUp?.clientRequestIdHeader ?? null;
  if (idHeader === null) return { ...request, callHeaders: hop };
  const id = clientRequestIdOf(run.exchange.requestId, run.attempts.length + 1);
  return { ...request, callHeaders: { ...hop, [idHeader]: id } };
}

/** Callers name what is warned of: it stands in headers, the log and the row of the request. */
const WARNINGS_MAX = 100;
const NAME_CHARACTERS_MAX = 100;

function warningOf(option: string, action: string): string {
  return `${option.slice(0, NAME_CHARACTERS_MAX)}_${action}`;
}

/** Warnings as `x-gateway-warnings` has them; of very many the first, and how many more there are. */
export function warningsOf(
  warnings: readonly ProviderWarning[],
  unknownParameters: readonly string[],
): readonly string[] {
  const all = [
    ...warnings.map(({ option, action }) => warningOf(option, action)),
    ...unknownParameters.map((name) => warningOf(name, 'dropped')),
  ];
  const more = all.length - WARNINGS_MAX;
  return more > 0 ? [...all.slice(0, WARNINGS_MAX), `${more}_more`] : all;
}

function prepareRelay(candidate: Candidate, run: CallRun, call: TextCall): PreparedCall | null {
  const relay = candidate.provider.definition.text?.relay;
  if (relay === undefined || !candidate.relays) return null;
  const { bytes, members, letters, body, stream } = call;
  const maxOutputTokens = outputTokensPerChoice(candidate, call, run.hold?.outputTokens ?? null);
  const request = relay.request(
    { bytes, members, letters, body, maxOutputTokens, stream },
    targetOf(candidate),
  );
  return {
    request: withOwnHeaders(request, run, candidate),
    warnings: [],
    read: (reply) => relayedAnswer(relay.read(reply), reply.body),
    open: (context) => call.openRelay(relay, context),
  };
}

function prepareTranslation(candidate: Candidate, run: CallRun, call: TextCall): PreparedCall {
  const { text } = candidate.provider.definition;
  const options = {
    ...call.options(),
    maxOutputTokens: outputTokensPerChoice(candidate, call, run.hold?.outputTokens ?? null),
  };
  const target = targetOf(candidate);
  let whole: TextExchange | null = null;
  let streamed: TextStreamExchange | null = null;
  if (!call.stream) whole = text?.generate(options, target) ?? null;
  else streamed = text?.stream?.(options, target) ?? null;
  const exchange = whole ?? streamed;
  if (exchange === null) {
    throw new GatewayError('invalid_request', {
      message: 'This model cannot stream.',
      param: 'stream',
    });
  }
  return {
    request: withOwnHeaders(exchange.request, run, candidate),
    warnings: warningsOf(exchange.warnings, [
      ...call.untranslatedParameters,
      ...call.unknownParameters,
    ]),
    read: (reply) => {
      if (whole === null) throw new Error('a streamed exchange has no whole reply');
      const result = whole.read(reply);
      return {
        usage: result.usage,
        modelServed: result.modelServed,
        serviceTier: result.serviceTier ?? null,
        outputBytes: reply.body.length,
        contentType: 'application/json',
        store: null,
        dimensions: null,
        render: (receipt) => call.renderResult(result, receipt),
      };
    },
    open: (context) => {
      if (streamed === null) throw new Error('a whole exchange has no stream');
      return call.openStream(streamed.open(), context);
    },
  };
}

function wholeAnswer(answer: OperationAnswer, run: CallRun, outputBytes: number): WholeAnswer {
  run.warnings.push(...answer.warnings);
  const { usage, modelServed, dimensions } = answer.facts;
  return {
    usage,
    modelServed,
    dimensions,
    serviceTier: null,
    outputBytes,
    contentType: answer.contentType,
    store: answer.store,
    images: answer.images,
    result: answer.result,
    render: (receipt) => answer.render(receipt),
  };
}

function preparedBatch(batch: OperationBatch, run: CallRun, candidate: Candidate): PreparedBatch {
  return {
    requests: batch.requests.map((request) => withOwnHeaders(request, run, candidate)),
    readAll(replies) {
      const bytes = replies.reduce((sum, { body }) => sum + body.length, 0);
      return wholeAnswer(batch.readAll(replies), run, bytes);
    },
  };
}

function prepareOperation(candidate: Candidate, run: CallRun, call: OperationCall): PreparedCall {
  const prepared = (run.preparation ?? new Preparation(call)).take(candidate);
  if (isPreparedJob(prepared)) throw new Error('work that must be followed is submitted as a job');
  return {
    request: withOwnHeaders(prepared.request, run, candidate),
    warnings: warningsOf(prepared.warnings, call.unknownParameters),
    read: (reply) => wholeAnswer(prepared.read(reply), run, reply.body.length),
    batch: prepared.batch === undefined ? undefined : preparedBatch(prepared.batch, run, candidate),
    open: () => prepared.open(),
  };
}

/** @throws GatewayError `invalid_request` naming what cannot be translated, or refused by policy */
export function prepareCall(
  candidate: Candidate,
  run: CallRun,
  settings: DataPlaneSettings,
): PreparedCall {
  const [unknown] = run.call.unknownParameters;
  if (unknown !== undefined && settings.unknownParameters === 'refuse') {
    throw new GatewayError('invalid_request', {
      message: `"${unknown.slice(0, 100)}" is not a parameter of this API. Remove it, or set unknownParameters: forward.`,
      param: unknown.slice(0, 100),
    });
  }
  const { call } = run;
  if (call.kind === 'operation') return prepareOperation(candidate, run, call);
  return prepareRelay(candidate, run, call) ?? prepareTranslation(candidate, run, call);
}
