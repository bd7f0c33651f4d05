/**
 * Builds what is sent to a candidate: relayed bytes with the few members that must change, or a translation.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { TextExchange, TextStreamExchange } from '../contracts/text-provider.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../contracts/wire.ts';
import { HOP_HEADER } from '../http/upstream.ts';
import type { Candidate } from './candidates.ts';
import { outputTokensPerChoice } from './candidates.ts';
import type { DataPlaneSettings } from './gateway.ts';
import { hopsOf } from './request-headers.ts';
import {
  relayedAnswer,
  type AnswerContext,
  type AnswerStream,
  type WholeAnswer,
} from './text-call.ts';
import type { TextRun } from './text-run.ts';

/** One prepared call: the request, and how its reply becomes an answer. */
export interface PreparedCall {
  readonly request: WireRequest;
  readonly warnings: readonly string[];
  /** Reads a whole 2xx reply. @throws ProviderFailureError */
  read(reply: WireReply): WholeAnswer;
  /** Opens the reader of a streamed 2xx reply. */
  open(context: AnswerContext): AnswerStream;
}

function targetOf(candidate: Candidate): ProviderTarget {
  const { baseUrl, credential, settings } = candidate.provider;
  return { model: candidate.model, baseUrl, credential, settings };
}

/** Counts hops, so that a gateway that is its own provider is found out (F98). */
function withHop(request: WireRequest, run: TextRun): WireRequest {
  const hops = String(hopsOf(run.exchange) + 1);
  return { ...request, headers: { ...request.headers, [HOP_HEADER]: hops } };
}

function prepareRelay(candidate: Candidate, run: TextRun): PreparedCall | null {
  const { relay } = candidate.text;
  if (relay === undefined || !candidate.relays) return null;
  const { call } = run;
  const maxTokens = outputTokensPerChoice(candidate, call, run.hold?.outputTokens ?? null);
  const edits = new Map<string, unknown>([['max_output_tokens', maxTokens]]);
  if ('provider_options' in call.body) edits.set('provider_options', undefined);
  const request = relay.request(
    { bytes: call.bytes, body: call.body, edits, stream: call.stream },
    targetOf(candidate),
  );
  return {
    request: withHop(request, run),
    warnings: [],
    read: (reply) => relayedAnswer(relay.read(reply), reply.body),
    open: (context) => call.openRelay(relay, context),
  };
}

function prepareTranslation(candidate: Candidate, run: TextRun): PreparedCall {
  const { call } = run;
  const options = {
    ...call.options(),
    maxOutputTokens: outputTokensPerChoice(candidate, call, run.hold?.outputTokens ?? null),
  };
  const target = targetOf(candidate);
  let whole: TextExchange | null = null;
  let streamed: TextStreamExchange | null = null;
  if (!call.stream) whole = candidate.text.generate(options, target);
  else streamed = candidate.text.stream?.(options, target) ?? null;
  const exchange = whole ?? streamed;
  if (exchange === null) {
    throw new GatewayError('invalid_request', {
      message: 'This model cannot stream.',
      param: 'stream',
    });
  }
  return {
    request: withHop(exchange.request, run),
    warnings: [
      ...exchange.warnings.map((warning) => `${warning.option}_${warning.action}`),
      ...call.unknownParameters.map((name) => `${name}_dropped`),
    ],
    read: (reply) => {
      if (whole === null) throw new Error('a streamed exchange has no whole reply');
      const result = whole.read(reply);
      return {
        usage: result.usage,
        modelServed: result.modelServed,
        serviceTier: result.serviceTier ?? null,
        outputBytes: reply.body.length,
        render: (receipt) => call.renderResult(result, receipt),
      };
    },
    open: (context) => {
      if (streamed === null) throw new Error('a whole exchange has no stream');
      return call.openStream(streamed.open(), context);
    },
  };
}

/** @throws GatewayError `invalid_request` naming what cannot be translated, or refused by policy */
export function prepareCall(
  candidate: Candidate,
  run: TextRun,
  settings: DataPlaneSettings,
): PreparedCall {
  const [unknown] = run.call.unknownParameters;
  if (unknown !== undefined && settings.unknownParameters === 'refuse') {
    throw new GatewayError('invalid_request', {
      message: `"${unknown.slice(0, 100)}" is not a parameter of this API. Remove it, or set unknownParameters: forward.`,
      param: unknown.slice(0, 100),
    });
  }
  return prepareRelay(candidate, run) ?? prepareTranslation(candidate, run);
}
