/**
 * What every media call of Gemini has in common: its request, and the reading of a `generateContent` answer that is
 * wanted for what it made.
 * https://ai.google.dev/api/generate-content
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import {
  providerFailure,
  ProviderFailureError,
  type ProviderFailureKind,
} from '../../../contracts/provider-failure.ts';
import type { UsageVector } from '../../../contracts/usage.ts';
import type { ProviderTarget, WireReply, WireRequest } from '../../../contracts/wire.ts';
import { failureOfError } from '../errors.ts';
import { finishReasonOf } from '../finish.ts';
import { requestHeaders } from '../headers.ts';
import { asRecord, asRecords, asText, parseJsonOrUndefined, type JsonRecord } from '../json.ts';
import { modelPath } from '../model.ts';
import { withProviderOptions } from '../request.ts';
import { readUsage } from '../usage.ts';
import type { WarningList } from '../warnings.ts';

const QUOTED_CHARACTERS_MAX = 200;

/** A POST to a method of the model. */
export function methodRequest(
  target: ProviderTarget,
  call: { readonly method: string; readonly query?: string; readonly body: JsonRecord },
): WireRequest {
  const { method, query = '', body } = call;
  return {
    method: 'POST',
    path: `${modelPath(target.model, method)}${query}`,
    headers: requestHeaders(target, query.includes('alt=sse')),
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** The body of `generateContent`: one prompt, and the caller's own members but for those that a hold was computed from. */
export function generateBody(
  prompt: { readonly parts: readonly object[]; readonly config: JsonRecord },
  extra: JsonRecord,
  warnings: WarningList,
): JsonRecord {
  const body = {
    contents: [{ role: 'user', parts: prompt.parts }],
    generationConfig: prompt.config,
    // New projects keep requests by default; privacy is ours unless the caller says otherwise.
    store: false,
  };
  return withProviderOptions(body, extra, warnings);
}

/** A failure under status 200. */
export function failed(
  kind: ProviderFailureKind,
  message: string,
  more: { readonly usage?: UsageVector | null; readonly providerCode?: string | null } = {},
): ProviderFailureError {
  return new ProviderFailureError(providerFailure({ kind, status: 200, message, ...more }));
}

/** An option that would change what is asked for. */
export function refused(param: string, message: string): GatewayError {
  return new GatewayError('invalid_request', { message, param });
}

/** The reply as one JSON object. @throws ProviderFailureError where it is none, or holds an error */
export function objectReply(reply: WireReply): JsonRecord {
  const body = asRecord(parseJsonOrUndefined(reply.body.toString('utf8')));
  if (body === null) {
    throw failed('malformed_reply', 'Gemini answered with something that is not a JSON object.');
  }
  assertNoError(body);
  return body;
}

/** @throws ProviderFailureError of the class of an `error` member, where there is one */
export function assertNoError(body: JsonRecord): void {
  const error = body['error'];
  if (error === undefined || error === null) return;
  throw new ProviderFailureError(failureOfError(error, { status: 200 }));
}

/** What one response of `generateContent` holds, thoughts left out. */
export interface MadeParts {
  readonly parts: readonly JsonRecord[];
  /** Null where the provider counted nothing. */
  readonly usage: UsageVector | null;
  readonly modelServed: string | null;
  /** As the provider names it; null while the answer goes on. */
  readonly finish: string | null;
}

function assertNotBlocked(body: JsonRecord, usage: UsageVector | null): void {
  const feedback = asRecord(body['promptFeedback']);
  const reason = asText(feedback?.['blockReason']);
  if (reason === null) return;
  const more = asText(feedback?.['blockReasonMessage']);
  const detail = more === null ? '' : `: ${more.slice(0, QUOTED_CHARACTERS_MAX)}`;
  const message = `Gemini blocked the prompt (${reason})${detail}`;
  throw failed('content_filtered', message, { usage, providerCode: reason });
}

/**
 * Reads one response.
 *
 * @throws ProviderFailureError for an error, a blocked prompt, an answer that a filter stopped, and what is no answer
 */
export function madeParts(body: JsonRecord): MadeParts {
  const usage = readUsage(body['usageMetadata'], 0);
  const [candidate] = asRecords(body['candidates']);
  if (candidate === undefined) {
    assertNotBlocked(body, usage);
    throw failed('malformed_reply', 'Gemini answered without an answer.', { usage });
  }
  const parts = asRecords(asRecord(candidate['content'])?.['parts']).filter(
    (part) => part['thought'] !== true,
  );
  const finish = asText(candidate['finishReason']);
  if (parts.length === 0 && finish === null) {
    throw failed('malformed_reply', 'Gemini answered without content or an end.', { usage });
  }
  if (finish !== null && finishReasonOf(finish, false) === 'content-filter') {
    const said = asText(candidate['finishMessage'])?.slice(0, QUOTED_CHARACTERS_MAX);
    const message = `Gemini withheld its answer (${finish})${said === undefined ? '.' : `: ${said}`}`;
    throw failed('content_filtered', message, { usage, providerCode: finish });
  }
  return { parts, usage, modelServed: asText(body['modelVersion']), finish };
}

/** The words of an answer. */
export function textOf(parts: readonly JsonRecord[]): string {
  return parts.map((part) => asText(part['text']) ?? '').join('');
}

/** The failure of an answer in words where something else was wanted; it is billed. */
export function onlyWords(made: MadeParts, wanted: string): ProviderFailureError {
  const words = textOf(made.parts).trim();
  const { usage } = made;
  if (words === '') {
    return failed('malformed_reply', `Gemini answered without ${wanted}.`, { usage });
  }
  const message = `Gemini answered in words instead of with ${wanted}: "${words.slice(0, QUOTED_CHARACTERS_MAX)}".`;
  return failed('invalid_request', message, { usage, providerCode: made.finish });
}

/** A file as a part of a prompt. */
export function inlinePart(file: { readonly mediaType: string; readonly bytes: Buffer }): object {
  return { inlineData: { mimeType: file.mediaType, data: file.bytes.toString('base64') } };
}
