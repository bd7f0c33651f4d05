/**
 * The short form of faults, for model names, headers and scripts.
 *
 * A model name is split at `--`. A segment that begins with `fault-` names a fault (so does a whole name such as
 * `fault-503`); a name may have several. `times-N` limits the faults to the first N calls of that model, `for-N` to N ms
 * from its first call, `percent-N` to a share. `gpt-4o--fault-429-retry-after-2--times-1` refuses once, then answers.
 * Scripts and the header `x-simulator-fault` take the same words, with or without `fault-`, joined with `--`, or the
 * objects of `fault.ts`.
 *
 * | words | what happens |
 * | --- | --- |
 * | `400` `401` … `529`, any status from 400 | the provider's error of that status; `502` and `520`–`527` as HTML |
 * | `400-context-length` `400-content-policy` `400-prefill` `400-model-not-supported` `429-insufficient-quota` `429-per-day` | special forms |
 * | … with `-retry-after-S` `-retry-after-ms-N` `-retry-date-S` `-reset-6m0s` `-retry-info-34.4s` `-negative` `-huge` `-garbage` `-none` | the wait it names |
 * | `auth`, `overloaded` … (names of `FAULT_ERRORS`) | the error in the provider's own status (Gemini's bad key is 400) |
 * | `reset-before-headers` `reset-in-headers` `reset-in-body` `reset-reused` | TCP reset |
 * | `reset-after-N` `close-after-N` `eof-after-N` `half-event-after-N` `half-utf8-after-N` | a stream's end after N content events |
 * | `stall-headers[-MS]` `stall-first[-MS]` `stall-after-N[-MS[-eof\|-reset]]` | silence, without MS for ever |
 * | `drip-MS[-BYTES]` `one-byte` `split-utf8` | small pieces |
 * | `bad-json` `bad-event-N` | malformed JSON |
 * | `content-length-long` `content-length-short` `content-length-chunked` | wrong framing |
 * | `gzip` `br` `zstd`, with `-lie` `-truncated` `-bomb[-MB]` | encodings |
 * | `huge-MB` | a huge event or body |
 * | `error-200[-WORDS]` `error-after-N[-WORDS]` `bare-error-after-N[-WORDS]` | an error inside HTTP 200 |
 * | `no-usage` `usage-twice` `usage-growing` `usage-cached-exceeds` `usage-negative` `usage-mismatch` | bent usage |
 * | `no-done` `duplicate-events` `unknown-events` `reordered-events` | event lists |
 * | `framing-lf\|cr\|crlf\|mixed\|bom\|comments\|multi-line\|no-space\|fields\|all` | event framing |
 * | `served-MODEL` | another model's name in the answer |
 * | `served-tier-TIER` | another service tier in the answer; `none`: no tier |
 * | `redirect-301` `-302` `-303` `-307` `-308` | to another host |
 * | `empty-body` `no-choices` `null-content` `blocked` `filtered` | empty or refused inside HTTP 200 |
 * | `wrong-content-type` `retry-after-on-200` `interim` `lone-surrogate` | oddities |
 *
 * @module
 */
import {
  FAULT_ERRORS,
  FRAMING_FAULTS,
  type Fault,
  type FaultError,
  type FramingFault,
  type RetryWait,
} from './fault.ts';
import { isJsonObject, listOf, parseJson, stringOf } from './json.ts';

/** A fault as words (`429-retry-after-2`), as an object, or several at once. */
export type FaultInput = string | Fault | readonly Fault[];

const STATUS_ERRORS: Readonly<Record<string, FaultError>> = {
  '400': 'invalid_request',
  '401': 'auth',
  '402': 'credit',
  '403': 'forbidden',
  '404': 'not_found',
  '408': 'timeout',
  '422': 'unprocessable',
  '429': 'rate_limit',
  '500': 'server_error',
  '502': 'bad_gateway',
  '503': 'unavailable',
  '504': 'gateway_timeout',
  '529': 'overloaded',
};

const NAMED_ERRORS: Readonly<Record<string, FaultError>> = {
  '400-context-length': 'context_length',
  '400-content-policy': 'content_policy',
  '400-model-not-supported': 'model_not_supported',
  '400-prefill': 'prefill_refused',
  '429-insufficient-quota': 'insufficient_quota',
  '429-per-day': 'quota_per_day',
};

const RAW_WAITS: Readonly<Record<string, string>> = {
  negative: '-5',
  huge: '1000000000',
  garbage: 'soon-ish',
};

function waitOf(words: string): RetryWait | null {
  if (words === '' || words === 'none') return { form: 'none' };
  const raw = RAW_WAITS[words];
  if (raw !== undefined) return { form: 'raw', text: raw };
  const match = /^(retry-after-ms|retry-after|retry-date|reset|retry-info)-(.+)$/.exec(words);
  if (match === null) return null;
  const [, form, value = ''] = match;
  if (form === 'reset') return { form: 'reset', duration: value };
  if (form === 'retry-info') return { form: 'retry_info', delay: value };
  const number = Number(value);
  if (!Number.isFinite(number)) return null;
  if (form === 'retry-after-ms') return { form: 'milliseconds', ms: number };
  return form === 'retry-date'
    ? { form: 'date', seconds: number }
    : { form: 'seconds', seconds: number };
}

function errorFault(words: string): Fault | null {
  for (const [name, error] of Object.entries(NAMED_ERRORS)) {
    if (words !== name && !words.startsWith(`${name}-`)) continue;
    const wait = waitOf(words.slice(name.length + 1));
    return wait === null ? null : { type: 'error', error, wait };
  }
  const match = /^(\d{3})(?:-(.+))?$/.exec(words);
  if (match === null) return null;
  const status = Number(match[1]);
  const wait = waitOf(match[2] ?? '');
  if (wait === null || status < 400) return null;
  // 520 to 527 are a content delivery network's own, sent as pages.
  const page = status >= 520 && status <= 527 ? 'bad_gateway' : undefined;
  const error =
    STATUS_ERRORS[match[1] ?? ''] ?? page ?? (status < 500 ? 'invalid_request' : 'server_error');
  return { type: 'error', error, status, wait };
}

function errorNamed(words: string | undefined): FaultError {
  if (words === undefined) return 'server_error';
  const fault = errorFault(words);
  return fault?.type === 'error' ? fault.error : 'server_error';
}

/** Faults that are one fixed word. */
const FIXED: Readonly<Record<string, Fault>> = {
  'reset-before-headers': { type: 'reset', at: 'before-headers' },
  'reset-in-headers': { type: 'reset', at: 'in-headers' },
  'reset-in-body': { type: 'reset', at: 'in-body' },
  'reset-reused': { type: 'reset', at: 'reused' },
  'split-utf8': { type: 'split-characters' },
  'one-byte': { type: 'drip', bytes: 1, ms: 0 },
  'bad-json': { type: 'bad-json', event: 1 },
  'content-length-long': { type: 'content-length', wrong: 'too-long' },
  'content-length-short': { type: 'content-length', wrong: 'too-short' },
  'content-length-chunked': { type: 'content-length', wrong: 'beside-chunked' },
  'no-usage': { type: 'usage', how: 'none' },
  'usage-twice': { type: 'usage', how: 'twice' },
  'usage-growing': { type: 'usage', how: 'growing' },
  'usage-cached-exceeds': { type: 'usage', how: 'cached-exceeds' },
  'usage-negative': { type: 'usage', how: 'negative' },
  'usage-mismatch': { type: 'usage', how: 'mismatch' },
  'no-done': { type: 'no-done' },
  'duplicate-events': { type: 'events', how: 'duplicate' },
  'unknown-events': { type: 'events', how: 'unknown' },
  'reordered-events': { type: 'events', how: 'reordered' },
  'empty-body': { type: 'empty', what: 'body' },
  'no-choices': { type: 'empty', what: 'choices' },
  'null-content': { type: 'empty', what: 'content' },
  blocked: { type: 'filtered', what: 'prompt' },
  filtered: { type: 'filtered', what: 'answer' },
  'wrong-content-type': { type: 'headers', headers: { 'content-type': 'text/html' } },
  'retry-after-on-200': { type: 'headers', headers: { 'retry-after': '30' } },
  interim: { type: 'interim' },
  'lone-surrogate': { type: 'lone-surrogate' },
};

type Builder = (values: readonly (string | undefined)[]) => Fault;

const count = (value: string | undefined, other: number): number =>
  value === undefined ? other : Number(value);

const encodingOf = (value: string | undefined): 'gzip' | 'br' | 'zstd' =>
  value === 'br' || value === 'zstd' ? value : 'gzip';

function encodingBuilder([encoding, how, megabytes]: readonly (string | undefined)[]): Fault {
  const manner = how === 'lie' || how === 'truncated' || how === 'bomb' ? how : 'true';
  return {
    type: 'encoding',
    encoding: encodingOf(encoding),
    how: manner,
    megabytes: count(megabytes, 1000),
  };
}

/** Faults with values; the groups of the expression are what the builder gets. */
const PATTERNS: readonly (readonly [RegExp, Builder])[] = [
  [/^redirect-(30[12378])$/, ([status]) => ({ type: 'redirect', status: Number(status) })],
  [
    /^(reset|close|eof|half-event|half-utf8)-after-(\d+)$/,
    ([how, after]) => ({
      type: 'break',
      how:
        how === 'half-utf8'
          ? 'half-character'
          : how === 'reset' || how === 'close' || how === 'half-event'
            ? how
            : 'eof',
      afterEvents: Number(after),
    }),
  ],
  [
    /^stall-headers(?:-(\d+))?$/,
    ([ms]) => ({
      type: 'stall',
      at: 'headers',
      afterEvents: 0,
      ms: ms === undefined ? null : Number(ms),
      next: 'continue',
    }),
  ],
  [
    /^stall-first(?:-(\d+))?$/,
    ([ms]) => ({
      type: 'stall',
      at: 'first-event',
      afterEvents: 0,
      ms: ms === undefined ? null : Number(ms),
      next: 'continue',
    }),
  ],
  [
    /^stall-after-(\d+)(?:-(\d+)(?:-(eof|reset))?)?$/,
    ([after, ms, next]) => ({
      type: 'stall',
      at: 'events',
      afterEvents: Number(after),
      ms: ms === undefined ? null : Number(ms),
      next: next === 'eof' || next === 'reset' ? next : 'continue',
    }),
  ],
  [
    /^drip-(\d+)(?:-(\d+))?$/,
    ([ms, bytes]) => ({ type: 'drip', ms: Number(ms), bytes: count(bytes, 1) }),
  ],
  [/^bad-event-(\d+)$/, ([event]) => ({ type: 'bad-json', event: Number(event) })],
  [/^(gzip|br|zstd)(?:-(lie|truncated|bomb)(?:-(\d+))?)?$/, encodingBuilder],
  [/^huge-(\d+)$/, ([megabytes]) => ({ type: 'huge', megabytes: Number(megabytes) })],
  [
    /^error-200(?:-(.+))?$/,
    ([words]) => ({
      type: 'in-band-error',
      afterEvents: -1,
      error: errorNamed(words),
      bare: false,
    }),
  ],
  [
    /^(bare-)?error-after-(\d+)(?:-(.+))?$/,
    ([bare, after, words]) => ({
      type: 'in-band-error',
      afterEvents: Number(after),
      error: errorNamed(words),
      bare: bare !== undefined,
    }),
  ],
  [/^framing-(.+)$/, ([how]) => ({ type: 'framing', how: framingNamed(how) })],
  [/^served-tier-([a-z_]+)$/, ([tier]) => ({ type: 'served-tier', tier: tier ?? '' })],
  [/^served-(.+)$/, ([model]) => ({ type: 'served-model', model: model ?? '' })],
];

function framingNamed(words: string | undefined): FramingFault {
  const known = FRAMING_FAULTS.find((how) => how === words);
  if (known === undefined) throw new TypeError(`Unknown framing "${String(words)}"`);
  return known;
}

function wordsFault(words: string): Fault {
  const fixed = Object.hasOwn(FIXED, words) ? FIXED[words] : undefined;
  if (fixed !== undefined) return fixed;
  const error = errorFault(words);
  if (error !== null) return error;
  for (const [pattern, build] of PATTERNS) {
    const match = pattern.exec(words);
    if (match !== null) return build(match.slice(1));
  }
  const named = FAULT_ERRORS.find((name) => name.replaceAll('_', '-') === words);
  if (named !== undefined) return { type: 'error', error: named };
  throw new TypeError(`Unknown fault "${words}"`);
}

const FAULT_TYPES: ReadonlySet<string> = new Set<Fault['type']>([
  'error',
  'redirect',
  'reset',
  'break',
  'stall',
  'drip',
  'split-characters',
  'bad-json',
  'content-length',
  'encoding',
  'huge',
  'in-band-error',
  'usage',
  'no-done',
  'events',
  'framing',
  'served-model',
  'served-tier',
  'empty',
  'filtered',
  'headers',
  'interim',
  'lone-surrogate',
]);

function isFault(value: unknown): value is Fault {
  return isJsonObject(value) && FAULT_TYPES.has(stringOf(value['type']) ?? '');
}

/**
 * Faults from words, an object, a list of objects, or the JSON text of either.
 *
 * @throws TypeError naming what cannot be read
 */
export function faultsOf(input: unknown): readonly Fault[] {
  if (typeof input === 'string') {
    const parsed = /^\s*[[{"]/.test(input) ? parseJson(input) : undefined;
    if (parsed !== undefined) return faultsOf(parsed);
    return input
      .split('--')
      .map((words) => words.trim().replace(/^fault-/, ''))
      .filter((words) => words !== '' && words !== 'healthy')
      .map(wordsFault);
  }
  if (isFault(input)) return [input];
  if (Array.isArray(input)) return listOf(input).flatMap((item) => faultsOf(item));
  throw new TypeError(`Not a fault: ${JSON.stringify(input) ?? String(input)}`);
}

export interface ModelFaults {
  readonly faults: readonly Fault[];
  readonly times: number | null;
  readonly forMs: number | null;
  readonly percent: number | null;
}

const CONDITION = /^(times|for|percent)-(\d{1,9})$/;

/**
 * Faults that a model's name asks for. `org/` before the first segment is allowed, as in `openai/fault-503`.
 *
 * @throws TypeError for a `fault-…` segment that names none
 */
export function modelFaults(model: string): ModelFaults {
  const faults: Fault[] = [];
  const conditions = new Map<string, number>();
  if (model.includes('fault-')) {
    for (const [index, segment] of model.split('--').entries()) {
      const words = index === 0 ? segment.slice(segment.lastIndexOf('/') + 1) : segment;
      const condition = CONDITION.exec(words);
      if (condition !== null) conditions.set(condition[1] ?? '', Number(condition[2]));
      else if (words.startsWith('fault-')) faults.push(wordsFault(words.slice('fault-'.length)));
    }
  }
  return {
    faults,
    times: conditions.get('times') ?? null,
    forMs: conditions.get('for') ?? null,
    percent: conditions.get('percent') ?? null,
  };
}
