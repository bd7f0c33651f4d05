/**
 * `POST preflight-check`: ALwrity's question, judged as a quote is. Operations are judged one after the other, each with
 * a verdict of its own; nothing is held.
 *
 * @module
 */
import type { z } from 'zod';
import type { Operation } from '../../contracts/metering.ts';
import { OPERATIONS } from '../../contracts/metering.ts';
import type { Exchange } from '../../gateway/exchange.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import { evaluateQuote, type MadeQuote } from '../../gateway/quotes/make-quote.ts';
import type { QuoteRequestOperation } from '../../gateway/quotes/quote-request.ts';
import { shownOperations } from '../../gateway/quotes/show-quote.ts';
import { assertJsonBody, requestTags } from '../../gateway/request-headers.ts';
import type { UsageReport } from '../../metering/ports.ts';
import { parseJsonObject } from '../json-body.ts';
import { invalidRequest, pathOf } from '../validation.ts';
import { accountOf, type UserAccount } from './account.ts';
import {
  LIMIT_FIELDS,
  type LimitField,
  type LimitFieldName,
  limitIdOf,
  limitOf,
  usedBy,
} from './limit-fields.ts';
import { PROVIDER_ALIASES } from './plans.ts';
import { preflightRequestSchema, type preflightSchema } from './shapes.ts';

type AskedOperation = z.output<typeof preflightRequestSchema>['operations'][number];
type ShownPreflight = z.input<typeof preflightSchema>;
type LimitInfo = ShownPreflight['operations'][number]['limit_info'];

/** "Providers" of the original that stand for what is made rather than for who makes it. */
const BY_PROVIDER: Readonly<Record<string, Operation>> = {
  video: 'video.text_to_video',
  fal: 'video.text_to_video',
  'fal-ai': 'video.text_to_video',
  image_edit: 'image.edit',
  stability: 'image.generate',
  audio: 'audio.speech',
};

/** Words of its free `operation_type`, most telling first. */
const BY_WORD: readonly (readonly [RegExp, Operation])[] = [
  [/face.?swap/i, 'image.face_swap'],
  [/image.?to.?video/i, 'video.image_to_video'],
  [/talking|avatar/i, 'video.talking_avatar'],
  [/video/i, 'video.text_to_video'],
  [/image.*edit|edit.*image/i, 'image.edit'],
  [/upscale/i, 'image.upscale'],
  [/image/i, 'image.generate'],
  [/clone/i, 'audio.clone_voice'],
  [/transcri|stt/i, 'audio.transcribe'],
  [/audio|speech|tts|voice/i, 'audio.speech'],
  [/embed/i, 'text.embed'],
];

function operationOf({ provider, operation_type: type }: AskedOperation): Operation {
  const own = OPERATIONS.find((name) => name === type);
  const byProvider = BY_PROVIDER[provider.toLowerCase()];
  const byWord = BY_WORD.find(([word]) => word.test(type))?.[1];
  // What is made decides; the label only tells apart within it.
  const fits = byProvider === undefined || byWord?.split('.')[0] === byProvider.split('.')[0];
  return own ?? (fits ? byWord : undefined) ?? byProvider ?? 'text.generate';
}

/** The vendor; null where only the operation is told. @throws GatewayError `invalid_request` for an unknown one */
function vendorOf(gateway: Gateway, asked: AskedOperation, index: number): string | null {
  const name = (asked.actual_provider_name ?? asked.provider).toLowerCase();
  const vendor = PROVIDER_ALIASES[name] ?? name;
  const { providers } = gateway.catalog.priceBook;
  if (gateway.providers.has(vendor) || providers.includes(vendor)) return vendor;
  if (asked.provider.toLowerCase() in BY_PROVIDER) return null;
  throw invalidRequest(
    `operations[${index}].provider`,
    `"${asked.provider}" is no provider that is known here.`,
  );
}

function modelOf(gateway: Gateway, asked: AskedOperation, index: number): string {
  const vendor = vendorOf(gateway, asked, index);
  if (asked.model === undefined || asked.model === null) {
    throw invalidRequest(`operations[${index}].model`, 'must be named: the price depends on it.');
  }
  const whole = vendor === null ? asked.model : `${vendor}/${asked.model}`;
  return gateway.catalog.resolve(whole) === null ? asked.model : whole;
}

/**
 * Tokens as the original estimates them: its output is one and a half times its input, and `tokens_requested` is both.
 * They are priced apart.
 */
function splitTokens(requested: number): { readonly input: number; readonly output: number } {
  const input = Math.floor((requested * 2) / 5);
  return { input, output: requested - input };
}

/** Clip and picture without dimensions are what the original makes by default: 5 s of 720p, 1024 × 1024. */
function quoteOperation(
  gateway: Gateway,
  asked: AskedOperation,
  index: number,
): QuoteRequestOperation {
  const type = operationOf(asked);
  const requested = asked.tokens_requested ?? 0;
  const { input, output } = splitTokens(requested);
  const isText = type.startsWith('text.');
  const isTold = isText && requested > 0;
  return {
    id: String(index),
    type,
    model: modelOf(gateway, asked, index),
    input: isTold ? { tokens: input } : isText ? { tokens: 0 } : { chars: requested },
    output: isTold ? { maxTokens: Math.max(1, output) } : {},
    image: type.startsWith('image.') ? { n: 1, size: '1024x1024' } : null,
    video: type.startsWith('video.') ? { seconds: 5, resolution: '720p' } : null,
    serviceTier: null,
    count: 1,
  };
}

/** The fields that count an operation, the one that ALwrity shows first. */
function fieldsOf(type: Operation, vendor: string | null): readonly LimitField[] {
  const named = (name: LimitFieldName): readonly LimitField[] =>
    LIMIT_FIELDS.filter((field) => field.name === name);
  if (type.startsWith('video.')) return named('video_calls');
  if (type === 'image.edit') return named('image_edit_calls');
  if (type.startsWith('image.')) return named('stability_calls');
  if (type.startsWith('audio.')) return named('audio_calls');
  const tokens = LIMIT_FIELDS.filter(
    (field: LimitField) => field.meter === 'total_tokens' && field.provider === vendor,
  );
  return [...tokens, ...named('ai_text_generation_calls')];
}

interface Judged {
  readonly account: UserAccount;
  readonly quote: MadeQuote;
  readonly used: UsageReport;
}

function infoOf(
  { account, quote, used }: Judged,
  fields: readonly LimitField[],
  blockedBy: readonly string[],
): LimitInfo {
  const [blocking] = quote.evaluation.limits.filter(({ id }) => blockedBy.includes(id));
  const limits = fields.map((field) => limitOf(account.plan.plan, field));
  const own = limits.find((limit) => limit !== null) ?? null;
  const status =
    blocking ?? quote.evaluation.limits.find(({ id }) => own !== null && id === limitIdOf(own));
  if (status !== undefined && /^\d/.test(status.limit)) {
    return {
      current_usage: Number(status.used) + Number(status.held),
      limit: Number(status.limit),
      remaining: Math.max(0, Number(status.remaining)),
    };
  }
  const [field] = fields;
  const current = field === undefined ? 0 : usedBy(field, used);
  const isDisabled = status?.limit === 'disabled' || own?.amount === 'disabled';
  return isDisabled
    ? { current_usage: current, limit: 0, remaining: 0 }
    : { current_usage: current, limit: null, remaining: null };
}

function readBody(bytes: Buffer, maxDepth: number): z.output<typeof preflightRequestSchema> {
  const result = preflightRequestSchema.safeParse(parseJsonObject(bytes, maxDepth));
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw invalidRequest(pathOf(issue?.path ?? []), issue?.message ?? 'is not valid');
}

/** A question that was read and may be answered. */
export interface PreflightQuestion {
  readonly customerId: string;
  /** The body's bytes as they came. */
  readonly body: Uint8Array;
  readonly answer: () => Promise<ShownPreflight>;
}

/** `POST preflight-check`. @throws GatewayError `invalid_request` naming the member; what {@link accountOf} throws */
export async function readPreflight(
  gateway: Gateway,
  exchange: Exchange,
): Promise<PreflightQuestion> {
  const account = await accountOf(gateway, exchange, null);
  assertJsonBody(exchange);
  const body = await exchange.readBody(gateway.settings.maxBodyBytes);
  const { operations: asked } = readBody(body, gateway.settings.maxJsonDepth);
  return {
    customerId: account.customer.id,
    body,
    answer: () => judge(gateway, exchange, { account, asked }),
  };
}

async function judge(
  gateway: Gateway,
  exchange: Exchange,
  { account, asked }: { readonly account: UserAccount; readonly asked: readonly AskedOperation[] },
): Promise<ShownPreflight> {
  const operations = asked.map((one, index) => quoteOperation(gateway, one, index));
  const asker = { caller: account.caller, tags: requestTags(exchange) };
  const quote = await evaluateQuote(gateway, asker, { operations, mode: 'none', ttlMs: null });
  const { startMs, endMs } = account.subscription.period;
  const used = await gateway.store.reader.usage({
    customerId: account.customer.id,
    fromMs: startMs,
    toMs: endMs,
    groupBy: ['provider', 'operation'],
    bucket: null,
  });
  const judged: Judged = { account, quote, used };
  const shown = shownOperations(quote);
  const results = asked.map((one, index): ShownPreflight['operations'][number] => {
    const operation = shown[index];
    if (operation === undefined) throw new RangeError(`operation ${index} was not judged`);
    return {
      provider: one.actual_provider_name ?? one.provider,
      operation_type: one.operation_type,
      cost: Number(operation.cost?.expected ?? 0),
      allowed: operation.allowed,
      limit_info: infoOf(
        judged,
        fieldsOf(operationOf(one), operation.provider),
        operation.blocked_by,
      ),
      message: operation.reason?.message ?? null,
    };
  });
  const refused = results.find(({ allowed }) => !allowed) ?? results[0];
  const total = shown.reduce(
    (sum, { cost }) => sum + BigInt((cost?.expected ?? '0').replace('.', '')),
    0n,
  );
  const cost = Number(total) / 1e9;
  return {
    can_proceed: results.every(({ allowed }) => allowed),
    estimated_cost: cost,
    total_cost: cost,
    operations: results,
    // Of the first operation that is refused, else of the first.
    usage_summary: {
      current_calls: refused?.limit_info.current_usage ?? 0,
      limit: refused?.limit_info.limit ?? null,
      remaining: refused?.limit_info.remaining ?? null,
    },
    cached: false,
  };
}
