/**
 * Reads a `generateContent` request (https://ai.google.dev/api/generate-content) and counts its input.
 * Counting rule: text by `core/tokens.ts`; tools, calls and results as their JSON text; an image, a document or a video
 * 258 tokens; audio 32 tokens for every 32,000 bytes begun. No tokens for the frame.
 *
 * @module
 */
import type { AnswerRequest, ToolSpec } from '../core/answer.ts';
import {
  isJsonObject,
  listOf,
  numberOf,
  objectOf,
  stringOf,
  type JsonObject,
} from '../core/json.ts';
import { NO_USAGE, type SimulatedUsage } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import type { Traits } from '../core/traits.ts';

const MEDIA_TOKENS = 258;

export type Modality = 'TEXT' | 'IMAGE' | 'AUDIO' | 'VIDEO' | 'DOCUMENT';

export interface GenerateRequest {
  readonly model: string;
  readonly includeThoughts: boolean;
  readonly logprobs: boolean;
  readonly search: boolean;
  readonly lastRole: string;
  readonly input: SimulatedUsage;
  readonly modalities: Readonly<Partial<Record<Modality, number>>>;
  readonly answer: Omit<AnswerRequest, 'seed' | 'multiByte' | 'emptyContent' | 'filtered'>;
}

/** Why the request is refused with INVALID_ARGUMENT. */
export interface InvalidArgument {
  readonly message: string;
  /** Field path, where the refusal is about one. */
  readonly field: string | null;
}

const REQUEST_FIELDS: ReadonlySet<string> = new Set([
  'model',
  'contents',
  'systemInstruction',
  'tools',
  'toolConfig',
  'safetySettings',
  'cachedContent',
  'store',
  'serviceTier',
  'labels',
  'generationConfig',
]);
const CONFIG_FIELDS: ReadonlySet<string> = new Set([
  'temperature',
  'topP',
  'topK',
  'candidateCount',
  'maxOutputTokens',
  'stopSequences',
  'seed',
  'presencePenalty',
  'frequencyPenalty',
  'responseMimeType',
  'responseSchema',
  'responseJsonSchema',
  'responseModalities',
  'responseLogprobs',
  'logprobs',
  'thinkingConfig',
  'speechConfig',
  'imageConfig',
  'mediaResolution',
  'responseFormat',
  'enableEnhancedCivicAnswers',
]);

/** Generation of a Gemini model's name: 2, 2.5, 3 …; null for other names. */
export function generationOf(model: string): number | null {
  const match = /gemini-(\d+(?:\.\d+)?)/.exec(model);
  return match === null ? null : Number(match[1]);
}

function camel(name: string): string {
  return name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

/** Proto JSON accepts snake case as well; members are read in camel case. */
export function camelKeys(object: JsonObject): JsonObject {
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(object)) result[camel(name)] = value;
  return result;
}

/** The parts of a content, members in camel case. */
export function partsOf(content: unknown): JsonObject[] {
  return listOf(objectOf(content)['parts']).map((part) => camelKeys(objectOf(part)));
}

/** The words of a content, thoughts left out. */
export function textOfContent(content: unknown): string {
  return partsOf(content)
    .filter((part) => part['thought'] !== true)
    .map((part) => stringOf(part['text']) ?? '')
    .join('');
}

type Counted = Partial<Record<Modality, number>>;

function add(counted: Counted, modality: Modality, tokens: number): void {
  counted[modality] = (counted[modality] ?? 0) + tokens;
}

function countMedia(part: JsonObject, counted: Counted): void {
  const media = camelKeys(objectOf(part['inlineData'] ?? part['fileData']));
  const mimeType = stringOf(media['mimeType']) ?? '';
  if (mimeType.startsWith('audio/')) {
    const bytes = (stringOf(media['data']) ?? '').length * 0.75;
    add(counted, 'AUDIO', 32 * Math.max(1, Math.ceil(bytes / 32_000)));
  } else if (mimeType.startsWith('video/')) add(counted, 'VIDEO', MEDIA_TOKENS);
  else if (mimeType.startsWith('image/')) add(counted, 'IMAGE', MEDIA_TOKENS);
  else add(counted, 'DOCUMENT', MEDIA_TOKENS);
}

function countPart(part: JsonObject, counted: Counted): void {
  if ('inlineData' in part || 'fileData' in part) countMedia(part, counted);
  else if ('functionCall' in part)
    add(counted, 'TEXT', countTokens(JSON.stringify(part['functionCall'])));
  else if ('functionResponse' in part) {
    add(counted, 'TEXT', countTokens(JSON.stringify(part['functionResponse'])));
  } else add(counted, 'TEXT', countTokens(stringOf(part['text']) ?? ''));
}

/** Input by modality, of a request or of the contents that `countTokens` is asked about. */
export function countModalities(request: JsonObject): Counted {
  const body = camelKeys(request);
  const counted: Counted = { TEXT: 0 };
  for (const part of partsOf(body['systemInstruction'])) countPart(part, counted);
  for (const content of listOf(body['contents'])) {
    for (const part of partsOf(content)) countPart(part, counted);
  }
  const tools = listOf(body['tools']);
  if (tools.length > 0) add(counted, 'TEXT', countTokens(JSON.stringify(tools)));
  return counted;
}

function usageOf(counted: Counted, cached: number, search: boolean): SimulatedUsage {
  const inputTokens = Object.values(counted).reduce((sum, tokens) => sum + tokens, 0);
  return {
    ...NO_USAGE,
    inputTokens,
    cachedTokens: Math.min(cached, counted.TEXT ?? 0),
    imageTokens: counted.IMAGE ?? 0,
    audioTokens: counted.AUDIO ?? 0,
    searches: search ? 1 : 0,
  };
}

function toolsOf(body: JsonObject): ToolSpec[] {
  return listOf(body['tools']).flatMap((tool) => {
    const declarations = listOf(camelKeys(objectOf(tool))['functionDeclarations']);
    return declarations.flatMap((declaration): ToolSpec[] => {
      const named = camelKeys(objectOf(declaration));
      const name = stringOf(named['name']);
      const schema = named['parametersJsonSchema'] ?? named['parameters'];
      return name === null ? [] : [{ name, schema }];
    });
  });
}

function toolChoiceOf(body: JsonObject, answersTool: boolean): AnswerRequest['toolChoice'] {
  const toolConfig = camelKeys(objectOf(body['toolConfig']));
  const calling = camelKeys(objectOf(toolConfig['functionCallingConfig']));
  const names = listOf(calling['allowedFunctionNames']).filter((name) => typeof name === 'string');
  switch (calling['mode']) {
    case 'NONE':
      return 'none';
    case 'ANY':
      return names.length > 0 ? names : 'any';
    default:
      return answersTool ? 'none' : 'asked';
  }
}

const LEVEL_TOKENS: Readonly<Record<string, number>> = {
  minimal: 8,
  low: 16,
  medium: 32,
  high: 64,
};

function reasoningOf(model: string, thinking: JsonObject, traits: Traits): number {
  if (traits.thoughts !== null) return traits.thoughts;
  const generation = generationOf(model) ?? 0;
  const thinks = (generation >= 2.5 && !model.includes('lite')) || /reason|think/i.test(model);
  const level = stringOf(thinking['thinkingLevel'])?.toLowerCase() ?? null;
  if (level !== null) return LEVEL_TOKENS[level] ?? 32;
  const budget = numberOf(thinking['thinkingBudget']);
  if (budget === null) return thinks ? 32 : 0;
  return budget < 0 ? 32 : Math.min(32, budget);
}

function unknownField(
  object: JsonObject,
  known: ReadonlySet<string>,
  at: string,
): InvalidArgument | null {
  for (const name of Object.keys(object)) {
    if (known.has(name)) continue;
    const place = at === '' ? '' : ` at '${at}'`;
    const message = `Invalid JSON payload received. Unknown name "${name}"${place}: Cannot find field.`;
    return { message, field: at === '' ? name : `${at}.${name}` };
  }
  return null;
}

function thinkingProblem(model: string, thinking: JsonObject): InvalidArgument | null {
  const hasBudget = numberOf(thinking['thinkingBudget']) !== null;
  const level = stringOf(thinking['thinkingLevel'])?.toLowerCase() ?? null;
  if (hasBudget && level !== null) {
    return {
      message: 'You can only set only one of thinking budget and thinking level.',
      field: null,
    };
  }
  if ((generationOf(model) ?? 0) < 4) return null;
  if (hasBudget)
    return { message: 'Thinking budget is not supported for this model.', field: null };
  return level === 'minimal'
    ? { message: 'Thinking level MINIMAL is not supported for this model.', field: null }
    : null;
}

/** Gemini 3 and later want the signature of a function call back in the turn that answers it. */
function signatureProblem(model: string, contents: readonly unknown[]): InvalidArgument | null {
  if ((generationOf(model) ?? 0) < 3) return null;
  const lastPrompt = contents.findLastIndex(
    (content) =>
      objectOf(content)['role'] !== 'model' && partsOf(content).some((part) => 'text' in part),
  );
  for (const [index, content] of contents.entries()) {
    if (index < lastPrompt || objectOf(content)['role'] !== 'model') continue;
    const call = partsOf(content).find((part) => 'functionCall' in part);
    if (call === undefined || stringOf(call['thoughtSignature']) !== null) continue;
    const name = String(objectOf(call['functionCall'])['name']);
    const message = `Function call \`${name}\` in the ${String(index + 1)}. content block is missing a \`thought_signature\`.`;
    return { message, field: null };
  }
  return null;
}

function schemaProblem(config: JsonObject): InvalidArgument | null {
  const both = config['responseSchema'] !== undefined && config['responseJsonSchema'] !== undefined;
  if (both)
    return {
      message: 'Only one of response_schema and response_json_schema may be set.',
      field: null,
    };
  const has = config['responseSchema'] !== undefined || config['responseJsonSchema'] !== undefined;
  return has && config['responseMimeType'] === undefined
    ? { message: 'Response schema requires a response_mime_type of application/json.', field: null }
    : null;
}

function problemOf(model: string, body: JsonObject, config: JsonObject): InvalidArgument | null {
  const contents = listOf(body['contents']);
  const unknown =
    unknownField(body, REQUEST_FIELDS, '') ??
    unknownField(config, CONFIG_FIELDS, 'generation_config');
  if (unknown !== null) return unknown;
  if (contents.length === 0) {
    const message = '* GenerateContentRequest.contents: contents is not specified\n';
    return { message, field: 'contents' };
  }
  for (const content of contents) {
    const role = objectOf(content)['role'];
    if (role !== undefined && role !== 'user' && role !== 'model' && role !== 'function') {
      return { message: 'Please use a valid role: user, model.', field: null };
    }
    if (partsOf(content).length === 0) {
      const message =
        '* GenerateContentRequest.contents.parts: must include at least one parts field\n';
      return { message, field: 'contents.parts' };
    }
  }
  return (
    schemaProblem(config) ??
    thinkingProblem(model, camelKeys(objectOf(config['thinkingConfig']))) ??
    signatureProblem(model, contents)
  );
}

function schemaOf(config: JsonObject): AnswerRequest['schema'] {
  const schema = config['responseJsonSchema'] ?? config['responseSchema'];
  if (schema !== undefined) return { of: schema };
  return config['responseMimeType'] === 'application/json' ? 'object' : null;
}

function conversationOf(body: JsonObject, config: JsonObject): string {
  const system = textOfContent(body['systemInstruction']);
  const turns = listOf(body['contents']).map((content) => {
    const role = objectOf(content)['role'] === 'model' ? 'assistant' : 'user';
    return `${role}:${textOfContent(content)}`;
  });
  const all = body['systemInstruction'] === undefined ? turns : [`system:${system}`, ...turns];
  return `${all.join('\n')}\n${JSON.stringify(config['seed'] ?? null)}`;
}

function answerOf(
  model: string,
  parts: { readonly body: JsonObject; readonly config: JsonObject },
  traits: Traits,
): GenerateRequest['answer'] {
  const { body, config } = parts;
  const contents = listOf(body['contents']);
  const last = contents.at(-1);
  const lastUser = contents.findLast(
    (content) => textOfContent(content) !== '' && objectOf(content)['role'] !== 'model',
  );
  const answersTool = partsOf(last).some((part) => 'functionResponse' in part);
  return {
    conversation: conversationOf(body, config),
    asked: textOfContent(lastUser),
    choices: numberOf(config['candidateCount']) ?? 1,
    maxTokens: numberOf(config['maxOutputTokens']),
    stop: listOf(config['stopSequences']).filter((stop) => typeof stop === 'string'),
    tokens: traits.tokens,
    reasoningTokens: reasoningOf(model, camelKeys(objectOf(config['thinkingConfig'])), traits),
    tools: toolsOf(body),
    toolChoice: toolChoiceOf(body, answersTool),
    parallelTools: true,
    schema: schemaOf(config),
  };
}

/** The request, or why it is refused. */
export function readGenerateRequest(
  model: string,
  json: unknown,
  traits: Traits,
): GenerateRequest | InvalidArgument {
  if (!isJsonObject(json)) {
    return { message: 'Invalid JSON payload received. Expected an object.', field: null };
  }
  const body = camelKeys(json);
  const config = camelKeys(objectOf(body['generationConfig']));
  const problem = problemOf(model, body, config);
  if (problem !== null) return problem;
  const counted = countModalities(body);
  const search = listOf(body['tools']).some((tool) => 'googleSearch' in camelKeys(objectOf(tool)));
  const thinking = camelKeys(objectOf(config['thinkingConfig']));
  return {
    model,
    includeThoughts: thinking['includeThoughts'] === true,
    logprobs: config['responseLogprobs'] === true,
    search,
    lastRole: objectOf(listOf(body['contents']).at(-1))['role'] === 'model' ? 'model' : 'user',
    input: usageOf(counted, traits.cached, search),
    modalities: counted,
    answer: answerOf(model, { body, config }, traits),
  };
}
