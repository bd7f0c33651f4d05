/**
 * Text options → the request of `generateContent` and `streamGenerateContent`.
 * https://ai.google.dev/api/generate-content
 *
 * @module
 */
import type { Json, ResponseFormat, TextOptions } from '../../contracts/text.ts';
import type { ProviderTarget, WireRequest } from '../../contracts/wire.ts';
import { requestHeaders } from './headers.ts';
import { asList, asRecord } from './json.ts';
import { toGeminiMessages } from './messages.ts';
import { modelPath } from './model.ts';
import { toGeminiSchema } from './schema.ts';
import { toThinkingConfig } from './thinking.ts';
import { toToolSetup } from './tools.ts';
import { WarningList } from './warnings.ts';
import type { GeminiGenerationConfig } from './wire-types.ts';

type Body = Record<string, unknown>;

/** Sequences that the API takes at most. */
const STOP_SEQUENCES_MAX = 5;
const SEED_MODULUS = 2 ** 31;

/** The API's tiers by their names in requests; `auto` and `default` are OpenAI's words for its own choice. */
const SERVICE_TIERS: readonly string[] = ['standard', 'flex', 'priority'];

/**
 * `temperature`, `topP` and `topK` are deprecated from Gemini 3.6 on, not refused: they are passed as given, for
 * the provider to decide.
 */
function setSampling(
  config: GeminiGenerationConfig,
  options: TextOptions,
  warnings: WarningList,
): void {
  if (options.temperature !== undefined) config.temperature = options.temperature;
  if (options.topP !== undefined) config.topP = options.topP;
  if (options.topK !== undefined) config.topK = options.topK;
  if (options.presencePenalty !== undefined) config.presencePenalty = options.presencePenalty;
  if (options.frequencyPenalty !== undefined) config.frequencyPenalty = options.frequencyPenalty;
  if (options.seed !== undefined) {
    config.seed = options.seed % SEED_MODULUS;
    if (config.seed !== options.seed)
      warnings.mapped('seed', `${config.seed}: the seed is a 32-bit number`);
  }
  if (options.stop !== undefined && options.stop.length > 0) {
    config.stopSequences = options.stop.slice(0, STOP_SEQUENCES_MAX);
    if (options.stop.length > STOP_SEQUENCES_MAX) {
      warnings.clamped(
        'stop',
        `the first ${STOP_SEQUENCES_MAX} of ${options.stop.length} sequences were sent`,
      );
    }
  }
}

/** The name of a schema is a label of the caller's protocol and says nothing to the model. */
function setFormat(
  config: GeminiGenerationConfig,
  format: ResponseFormat | undefined,
  warnings: WarningList,
): void {
  if (format === undefined || format.type === 'text') return;
  config.responseMimeType = 'application/json';
  if (format.type === 'json') return;
  const { schema, notEnforced } = toGeminiSchema(format.schema);
  const record = asRecord(schema);
  const describes =
    format.description !== undefined && record !== null && !('description' in record);
  config.responseJsonSchema = describes
    ? ({ ...record, description: format.description } as Json)
    : schema;
  if (notEnforced.length > 0) {
    warnings.mapped(
      'responseFormat.schema',
      `sent, but Gemini documents no enforcement of: ${notEnforced.join(', ')}`,
    );
  }
}

function generationConfigOf(
  options: TextOptions,
  model: string,
  warnings: WarningList,
): GeminiGenerationConfig {
  const config: GeminiGenerationConfig = {};
  if (options.n !== undefined && options.n !== 1) config.candidateCount = options.n;
  if (options.maxOutputTokens !== undefined) config.maxOutputTokens = options.maxOutputTokens;
  setSampling(config, options, warnings);
  if (options.logprobs === true) {
    config.responseLogprobs = true;
    if (options.topLogprobs !== undefined) config.logprobs = options.topLogprobs;
  }
  setFormat(config, options.responseFormat, warnings);
  const thinking = toThinkingConfig(options.reasoning, model, warnings);
  if (thinking !== undefined) config.thinkingConfig = thinking;
  return config;
}

function serviceTierOf(tier: string | undefined, warnings: WarningList): string | undefined {
  if (tier === undefined || tier === 'auto') return undefined;
  if (tier === 'default') return 'standard';
  if (SERVICE_TIERS.includes(tier)) return tier;
  warnings.dropped('serviceTier', `${tier} is not a tier of Gemini`);
  return undefined;
}

/** Members that the gateway answers for: holds and limits were computed from them. */
const OWN_MEMBERS: ReadonlySet<string> = new Set([
  'contents',
  'systemInstruction',
  'model',
  'serviceTier',
]);
const OWN_CONFIG: ReadonlySet<string> = new Set(['maxOutputTokens', 'candidateCount']);

/** The API takes snake_case as well, so a name must be compared in one spelling. */
function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_match, letter: string) => letter.toUpperCase());
}

/** Lays `added` over `base`, leaving out what the gateway owns. */
function overlay(
  base: Body,
  added: Readonly<Record<string, unknown>>,
  keep: (name: string) => boolean,
): Body {
  const entries = Object.entries(added).map(([name, value]) => [camelCase(name), value] as const);
  return { ...base, ...Object.fromEntries(entries.filter(([name]) => keep(name))) };
}

/**
 * Puts the caller's own members for Gemini into the body: `generationConfig` and `toolConfig` member by member,
 * `tools` after those of the options, anything else in place of what stands there.
 */
export function withProviderOptions(
  body: Body,
  added: Readonly<Record<string, unknown>> | undefined,
  warnings: WarningList,
): Body {
  if (added === undefined) return body;
  const keepUnless = (owned: ReadonlySet<string>, path: string) => (name: string) => {
    if (!owned.has(name)) return true;
    warnings.dropped(
      `providerOptions.${path}${name}`,
      'set by the gateway from the request itself',
    );
    return false;
  };
  const merged = overlay(body, added, keepUnless(OWN_MEMBERS, ''));
  const none: ReadonlySet<string> = new Set();
  for (const [member, owned] of [
    ['generationConfig', OWN_CONFIG],
    ['toolConfig', none],
  ] as const) {
    const value = asRecord(merged[member]);
    if (value === null || value === body[member]) continue;
    merged[member] = overlay({ ...asRecord(body[member]) }, value, keepUnless(owned, `${member}.`));
  }
  if (merged['tools'] !== body['tools']) {
    merged['tools'] = [...asList(body['tools']), ...asList(merged['tools'])];
  }
  return merged;
}

function bodyOf(options: TextOptions, model: string, warnings: WarningList): Body {
  if (options.logitBias !== undefined && Object.keys(options.logitBias).length > 0) {
    warnings.dropped('logitBias', 'Gemini takes no bias of tokens');
  }
  if (options.user !== undefined) warnings.dropped('user', 'Gemini takes no id of the end user');
  const generationConfig = generationConfigOf(options, model, warnings);
  const serviceTier = serviceTierOf(options.serviceTier, warnings);
  const body: Body = {
    ...toGeminiMessages(options.messages, model, warnings),
    ...toToolSetup(options, model, warnings),
    ...(Object.keys(generationConfig).length > 0 ? { generationConfig } : {}),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    // New projects keep requests by default; privacy is ours unless the caller says otherwise.
    store: false,
  };
  return withProviderOptions(body, options.providerOptions, warnings);
}

export interface BuiltRequest {
  readonly request: WireRequest;
  readonly warnings: WarningList['all'];
}

/**
 * Builds the request of one call.
 *
 * @throws ProviderFailureError `model_not_found` for an id that no model can have
 */
export function buildRequest(
  options: TextOptions,
  target: ProviderTarget,
  stream: boolean,
): BuiltRequest {
  const warnings = new WarningList();
  const path = stream
    ? `${modelPath(target.model, 'streamGenerateContent')}?alt=sse`
    : modelPath(target.model, 'generateContent');
  const body = Buffer.from(JSON.stringify(bodyOf(options, target.model, warnings)), 'utf8');
  const headers = requestHeaders(target, stream);
  return { request: { method: 'POST', path, headers, body }, warnings: warnings.all };
}
