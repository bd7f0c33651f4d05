/**
 * The wide event of a request as one JSON line. Written by hand: it is the only line of the hot path, and all
 * but three of its members are ids, numbers and words of the gateway's own, which need no escaping.
 *
 * @module
 */
import { jsonMilliseconds } from '../contracts/durations.ts';
import { formatUsd } from '../contracts/money.ts';
import { inputTokensOf, outputTokensOf } from '../contracts/usage.ts';
import type { Caller } from '../gateway/caller.ts';
import { flatText } from '../contracts/flat-text.ts';
import type { RequestRecord } from '../metering/ports.ts';

/** pino's number for `info`, so that all lines of the log read alike. */
const INFO = 30;
const TEXT_MAX_CHARACTERS = 300;

let lastTimeMs = -1;
let lastTimeText = '';

function isoTime(timeMs: number): string {
  if (timeMs !== lastTimeMs) {
    lastTimeMs = timeMs;
    lastTimeText = new Date(timeMs).toISOString();
  }
  return lastTimeText;
}

/** A caller's own text, escaped and cut. */
function quoted(text: string): string {
  return JSON.stringify(
    text.length > TEXT_MAX_CHARACTERS ? text.slice(0, TEXT_MAX_CHARACTERS) : text,
  );
}

/** Members that calls have in common where they follow one another with the same key, model and outcome. */
function sharedMembers(request: RequestRecord, caller: Caller): string {
  return (
    `,"customer":"${caller.customer.id}","key":"${caller.key.id}","operation":"${request.operation}"` +
    `,"model_asked":${quoted(request.modelAsked)},"provider":"${request.provider ?? 'none'}"` +
    `,"model":${quoted(request.modelServed ?? request.modelAsked)},"status":${request.status}` +
    `,"stream":${request.stream},"attempts":${request.attempts}`
  );
}

/** The shared members written last, and the call that they were written for. */
interface Written {
  readonly request: RequestRecord;
  readonly caller: Caller;
  readonly members: string;
  /** True once they were put into one piece, which is worth it only where they are written again. */
  readonly isFlat: boolean;
}

let written: Written | null = null;

function isShared({ request, caller }: Written, next: RequestRecord, nextCaller: Caller): boolean {
  return (
    request.modelAsked === next.modelAsked &&
    request.modelServed === next.modelServed &&
    request.provider === next.provider &&
    request.operation === next.operation &&
    request.status === next.status &&
    request.stream === next.stream &&
    request.attempts === next.attempts &&
    caller.key.id === nextCaller.key.id &&
    caller.customer.id === nextCaller.customer.id
  );
}

function sharedMembersOf(request: RequestRecord, caller: Caller): string {
  if (written === null || !isShared(written, request, caller)) {
    written = { request, caller, members: sharedMembers(request, caller), isFlat: false };
  } else if (!written.isFlat) {
    written = { ...written, members: flatText(written.members), isFlat: true };
  }
  return written.members;
}

/** The line, with its line end. */
export function requestLine(request: RequestRecord, caller: Caller): string {
  const { firstTokenAtMs, startedAtMs } = request;
  let line =
    `{"level":${INFO},"time":"${isoTime(request.finishedAtMs)}","event":"request","request_id":"${request.requestId}"` +
    `${sharedMembersOf(request, caller)},"input_tokens":${inputTokensOf(request.usage)},"output_tokens":${outputTokensOf(request.usage)}` +
    `,"cost_usd":"${formatUsd(request.costNanoUsd)}","duration_ms":${request.finishedAtMs - startedAtMs}` +
    `,"overhead_ms":${jsonMilliseconds(request.overheadMs)}`;
  if (firstTokenAtMs !== null) line += `,"first_token_ms":${firstTokenAtMs - startedAtMs}`;
  if (request.errorCode !== null) line += `,"error_code":"${request.errorCode}"`;
  if (request.clientClosed) line += ',"client_closed":true';
  if (request.estimated) line += ',"estimated":true';
  if (request.simulated) line += ',"simulated":true';
  if (request.warnings.length > 0) line += `,"warnings":${JSON.stringify(request.warnings)}`;
  if (request.tags !== null) line += `,"tags":${JSON.stringify(request.tags)}`;
  return `${line},"msg":"request"}\n`;
}
