/**
 * `GenerateContentResponse`, whole, as events and as a JSON array.
 *
 * @module
 */
import { planAnswer, tokensOfChoice, type AnswerChoice } from '../core/answer.ts';
import { cutsCharacters, findFault, type Fault } from '../core/fault.ts';
import type { SimulatedCall } from '../core/family.ts';
import { parseJson, spacedJson } from '../core/json.ts';
import { createRandom } from '../core/random.ts';
import type { SimulatedReply, SimulatedUsage, StreamEvent } from '../core/reply.ts';
import type { Traits } from '../core/traits.ts';
import { geminiErrorBody } from './errors.ts';
import { generationOf, type GenerateRequest } from './request.ts';
import { usageMetadata } from './usage.ts';

interface Generation {
  readonly request: GenerateRequest;
  readonly model: string;
  readonly responseId: string;
  readonly callId: (choice: number, call: number) => string;
  readonly signature: string;
  readonly choices: readonly AnswerChoice[];
  readonly usage: SimulatedUsage;
  readonly faults: readonly Fault[];
  readonly chunk: number;
}

type Part = Readonly<Record<string, unknown>>;

const SAFETY_CATEGORIES = [
  'HARM_CATEGORY_HATE_SPEECH',
  'HARM_CATEGORY_DANGEROUS_CONTENT',
  'HARM_CATEGORY_HARASSMENT',
  'HARM_CATEGORY_SEXUALLY_EXPLICIT',
];

function safetyRatings(): readonly object[] {
  return SAFETY_CATEGORIES.map((category, index) => ({
    category,
    probability: index === 1 ? 'HIGH' : 'NEGLIGIBLE',
  }));
}

const FINISH_REASONS: Readonly<Record<AnswerChoice['finish'], string>> = {
  stop: 'STOP',
  length: 'MAX_TOKENS',
  tools: 'STOP',
  filtered: 'SAFETY',
};

function signs(generation: Generation): boolean {
  return (generationOf(generation.request.model) ?? 0) >= 3;
}

function callParts(generation: Generation, choice: AnswerChoice, index: number): Part[] {
  return choice.toolCalls.map((call, place) => {
    const args = parseJson(call.arguments.join('')) ?? {};
    const id = signs(generation) ? { id: generation.callId(index, place) } : {};
    const signed = place === 0 && choice.reasoning.length > 0;
    return {
      functionCall: { name: call.name, args, ...id },
      ...(signed || (place === 0 && signs(generation))
        ? { thoughtSignature: generation.signature }
        : {}),
    };
  });
}

function groundingOf(generation: Generation): object {
  const query = generation.request.answer.asked.slice(0, 80);
  return {
    webSearchQueries: [query],
    searchEntryPoint: { renderedContent: '<div>simulated search</div>' },
    groundingChunks: [{ web: { uri: 'https://example.com/simulated', title: 'example.com' } }],
    groundingSupports: [],
  };
}

/** What the candidate that ends an answer has beside its content. */
function endOf(generation: Generation, choice: AnswerChoice): object {
  const { request } = generation;
  return {
    finishReason: FINISH_REASONS[choice.finish],
    ...(choice.finish === 'tools' ? { finishMessage: 'Model generated function call(s).' } : {}),
    ...(choice.finish === 'filtered' ? { safetyRatings: safetyRatings() } : {}),
    ...(request.search ? { groundingMetadata: groundingOf(generation) } : {}),
    ...(request.logprobs ? { avgLogprobs: -0.25 } : {}),
  };
}

function contentOf(parts: readonly Part[]): object {
  return parts.length === 0 ? { role: 'model' } : { parts, role: 'model' };
}

function grown(generation: Generation, text: string): string {
  const huge = findFault(generation.faults, 'huge');
  const lone = findFault(generation.faults, 'lone-surrogate') === undefined ? '' : '\uD83D';
  return lone + text + (huge === undefined ? '' : 'x'.repeat(huge.megabytes * 1_000_000));
}

function wholeParts(generation: Generation, choice: AnswerChoice, index: number): Part[] {
  const parts: Part[] = [];
  const thoughts = choice.reasoning.join('');
  if (generation.request.includeThoughts && thoughts !== '')
    parts.push({ text: thoughts, thought: true });
  if (choice.toolCalls.length > 0) return [...parts, ...callParts(generation, choice, index)];
  if (choice.content.length === 0) return parts;
  const text = grown(generation, choice.content.join(''));
  return [
    ...parts,
    signs(generation) ? { text, thoughtSignature: generation.signature } : { text },
  ];
}

function responseOf(
  generation: Generation,
  candidates: readonly object[] | null,
  usage: SimulatedUsage,
): object {
  const { request, faults } = generation;
  return {
    ...(candidates === null ? {} : { candidates }),
    usageMetadata: usageMetadata({ usage, modalities: request.modalities, faults }),
    modelVersion: generation.model,
    responseId: generation.responseId,
  };
}

function wholeResponse(generation: Generation): object {
  const candidates = generation.choices.map((choice, index) => ({
    content: contentOf(wholeParts(generation, choice, index)),
    ...endOf(generation, choice),
    index,
  }));
  const none = findFault(generation.faults, 'empty')?.what === 'choices';
  return responseOf(generation, none ? null : candidates, generation.usage);
}

/** A refused prompt: HTTP 200, no candidates, the input billed. */
function blockedResponse(generation: Generation): object {
  const feedback = { promptFeedback: { blockReason: 'SAFETY', safetyRatings: safetyRatings() } };
  return { ...feedback, ...responseOf(generation, null, generation.usage) };
}

function groups(tokens: readonly string[], size: number): (readonly string[])[] {
  const result: (readonly string[])[] = [];
  for (let at = 0; at < tokens.length; at += size) result.push(tokens.slice(at, at + size));
  return result;
}

interface Step {
  readonly parts: readonly Part[];
  readonly weight: number;
  /** Thoughts come before their count is known. */
  readonly thought: boolean;
  readonly last: boolean;
}

function choiceSteps(generation: Generation, choice: AnswerChoice, index: number): Step[] {
  const steps: Step[] = [];
  if (generation.request.includeThoughts) {
    for (const group of groups(choice.reasoning, generation.chunk)) {
      const parts = [{ text: group.join(''), thought: true }];
      steps.push({ parts, weight: 0, thought: true, last: false });
    }
  }
  if (choice.toolCalls.length > 0) {
    const weight = tokensOfChoice(choice) - choice.reasoning.length;
    const parts = callParts(generation, choice, index);
    return [...steps, { parts, weight, thought: false, last: true }];
  }
  const texts = groups(choice.content, generation.chunk);
  const closing = signs(generation) ? { text: '', thoughtSignature: generation.signature } : null;
  texts.forEach((group, place) => {
    const text = place === 0 ? grown(generation, group.join('')) : group.join('');
    const last = closing === null && place === texts.length - 1;
    steps.push({ parts: [{ text }], weight: group.length, thought: false, last });
  });
  if (closing !== null) steps.push({ parts: [closing], weight: 0, thought: false, last: true });
  else if (texts.length === 0) steps.push({ parts: [], weight: 0, thought: false, last: true });
  return steps;
}

function streamEvents(generation: Generation): StreamEvent[] {
  const { usage, choices, faults } = generation;
  const lists = choices.map((choice, index) => choiceSteps(generation, choice, index));
  const longest = Math.max(0, ...lists.map((list) => list.length));
  const events: StreamEvent[] = [];
  let produced = usage.reasoningTokens;
  for (let place = 0; place < longest; place += 1) {
    for (const [index, list] of lists.entries()) {
      const step = list[place];
      const choice = choices[index];
      if (step === undefined || choice === undefined) continue;
      produced += step.weight;
      const end = step.last ? endOf(generation, choice) : {};
      const candidate = { content: contentOf(step.parts), ...end, index };
      const known = step.thought
        ? { ...usage, outputTokens: 0, reasoningTokens: 0 }
        : { ...usage, outputTokens: produced };
      events.push({
        kind: step.last ? 'finish' : 'content',
        data: spacedJson(responseOf(generation, [candidate], known)),
        producedTokens: produced,
      });
    }
  }
  if (findFault(faults, 'empty')?.what === 'choices') events.length = 0;
  if (events.length === 0 || findFault(faults, 'usage')?.how === 'twice') {
    const data = spacedJson(responseOf(generation, null, usage));
    events.push({ kind: 'usage', data, producedTokens: produced });
  }
  return events;
}

function generationFor(
  call: SimulatedCall,
  request: GenerateRequest,
  context: { readonly traits: Traits; readonly faults: readonly Fault[] },
): Generation {
  const { traits, faults } = context;
  const blocked = findFault(faults, 'filtered')?.what === 'prompt';
  const choices = planAnswer({
    ...request.answer,
    seed: call.seed,
    multiByte: cutsCharacters(faults),
    emptyContent: findFault(faults, 'empty')?.what === 'content',
    filtered: findFault(faults, 'filtered')?.what === 'answer',
  });
  const sum = (count: (choice: AnswerChoice) => number): number =>
    blocked ? 0 : choices.reduce((total, choice) => total + count(choice), 0);
  const random = createRandom(call.seed, 'id', call.body.toString('latin1'));
  const responseId = random.alphanumeric(23);
  const callSeed = random.alphanumeric(16);
  return {
    request,
    model: findFault(faults, 'served-model')?.model ?? request.model,
    responseId,
    callId: (choice, index) =>
      `call_${String(createRandom(callSeed, choice, index).integer(10_000, 99_999))}`,
    signature: Buffer.from(random.alphanumeric(48)).toString('base64'),
    choices,
    usage: {
      ...request.input,
      outputTokens: sum(tokensOfChoice),
      reasoningTokens: sum((choice) => choice.reasoning.length),
    },
    faults,
    chunk: traits.chunk,
  };
}

export type GenerateVerb = 'whole' | 'events' | 'array';

const BODY_HEADERS = {
  'content-type': 'application/json; charset=UTF-8',
  'x-gemini-service-tier': 'standard',
  vary: 'Origin, Referer, X-Origin',
  server: 'scaffolding on HTTPServer2',
  'server-timing': 'gfet4t7; dur=1',
};
const EVENT_HEADERS = {
  'content-type': 'text/event-stream',
  'content-disposition': 'attachment',
  vary: 'Origin, Referer, X-Origin',
  server: 'scaffolding on HTTPServer2',
  'server-timing': 'gfet4t7; dur=1',
};

/** The healthy answer, bent by the faults that concern its content. */
export function answerGenerate(
  call: SimulatedCall,
  request: GenerateRequest,
  context: {
    readonly traits: Traits;
    readonly faults: readonly Fault[];
    readonly verb: GenerateVerb;
  },
): SimulatedReply {
  const { faults, verb } = context;
  const generation = generationFor(call, request, context);
  const blocked = findFault(faults, 'filtered')?.what === 'prompt';
  const error = findFault(faults, 'in-band-error');
  if (verb === 'whole') {
    const value =
      error !== undefined
        ? geminiErrorBody(error.error, request.model)
        : blocked
          ? blockedResponse(generation)
          : wholeResponse(generation);
    return {
      kind: 'body',
      status: 200,
      headers: BODY_HEADERS,
      body: `${JSON.stringify(value, null, 2)}\n`,
      usage: error === undefined ? generation.usage : null,
    };
  }
  const events: StreamEvent[] = blocked
    ? [{ kind: 'finish', data: spacedJson(blockedResponse(generation)), producedTokens: 0 }]
    : streamEvents(generation);
  return {
    kind: 'stream',
    status: 200,
    headers: verb === 'array' ? BODY_HEADERS : EVENT_HEADERS,
    framing: verb === 'array' ? 'array' : 'crlf',
    events,
    usage: generation.usage,
    inBandError: (name) => spacedJson(geminiErrorBody(name, request.model)),
  };
}
