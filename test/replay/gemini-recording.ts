/**
 * What recorded `generateContent` answers say, in the terms of chat completions. Shares no code with the gateway.
 *
 * @module
 */
import type { Recording } from '../support/recordings.ts';
import type { CountedTokens, Expected, SaidChoice } from './answer.ts';
import { eventData, looseList, looseOf, numberOf, stringOf, type Loose } from './json.ts';

/** OpenAI's words for Gemini's reasons; faults of the model have none of their own. */
function finishOf(reason: string, hasCalls: boolean): string {
  if (reason === 'MAX_TOKENS') return 'length';
  if (/SAFETY|RECITATION|BLOCKLIST|PROHIBITED|SPII|NO_IMAGE|IMAGE_OTHER/.test(reason))
    return 'content_filter';
  return reason === 'STOP' && hasCalls ? 'tool_calls' : 'stop';
}

interface Candidate {
  readonly parts: Loose[];
  finish: string;
}

function candidatesOf(responses: readonly Loose[]): ReadonlyMap<number, Candidate> {
  const candidates = new Map<number, Candidate>();
  for (const one of responses.flatMap((response) => looseList(response['candidates']))) {
    const index = numberOf(one['index']);
    const known = candidates.get(index) ?? { parts: [], finish: '' };
    known.parts.push(...looseList(looseOf(one['content'])['parts']));
    known.finish = stringOf(one['finishReason']) || known.finish;
    candidates.set(index, known);
  }
  return candidates;
}

type Container = Record<string, unknown> | unknown[];

function childOf(container: Container, step: string | number): unknown {
  return Array.isArray(container) ? container[Number(step)] : container[step];
}

function setChild(container: Container, step: string | number, value: unknown): void {
  if (Array.isArray(container)) container[Number(step)] = value;
  else container[step] = value;
}

/** `$.operations[0].action` → `operations`, 0, `action`. */
function stepsOf(path: string): readonly (string | number)[] {
  return [...path.matchAll(/\.([^.[\]]+)|\[(\d+)\]/g)].map(([, name, index]) =>
    index === undefined ? (name ?? '') : Number(index),
  );
}

/** Arguments in pieces: a path and a value each; text goes on where the path comes again. */
function argumentsOfPieces(pieces: readonly Loose[]): Loose {
  const root: Record<string, unknown> = {};
  for (const piece of pieces) {
    const steps = stepsOf(stringOf(piece['jsonPath']));
    let container: Container = root;
    for (const [place, step] of steps.slice(0, -1).entries()) {
      const known = childOf(container, step);
      const next: Container =
        typeof known === 'object' && known !== null
          ? (known as Container)
          : typeof steps[place + 1] === 'number'
            ? []
            : {};
      setChild(container, step, next);
      container = next;
    }
    const last = steps.at(-1) ?? '';
    const text = piece['stringValue'];
    const value =
      typeof text === 'string'
        ? stringOf(childOf(container, last)) + text
        : (piece['numberValue'] ?? piece['boolValue'] ?? null);
    setChild(container, last, value);
  }
  return root;
}

/** Calls in order; one without a name goes on with the call before it. */
function callsOf(parts: readonly Loose[]): SaidChoice['calls'] {
  const calls: { name: string; args: Loose | null; pieces: Loose[] }[] = [];
  for (const part of parts) {
    if (!('functionCall' in part)) continue;
    const call = looseOf(part['functionCall']);
    const name = stringOf(call['name']);
    if (name !== '') {
      calls.push({ name, args: 'args' in call ? looseOf(call['args']) : null, pieces: [] });
    }
    calls.at(-1)?.pieces.push(...looseList(call['partialArgs']));
  }
  return calls.map(({ name, args, pieces }) => ({
    name,
    arguments: pieces.length > 0 ? argumentsOfPieces(pieces) : (args ?? {}),
  }));
}

function isThought(part: Loose): boolean {
  return part['thought'] === true;
}

/** Texts, code and its results in order. */
function piecesOf(parts: readonly Loose[]): readonly string[] {
  return parts
    .filter((part) => !isThought(part))
    .flatMap((part) => [
      stringOf(part['text']),
      stringOf(looseOf(part['executableCode'])['code']),
      stringOf(looseOf(part['codeExecutionResult'])['output']),
    ])
    .filter((piece) => piece !== '');
}

function audioOf(details: unknown): number {
  return looseList(details)
    .filter((detail) => detail['modality'] === 'AUDIO')
    .reduce((sum, detail) => sum + numberOf(detail['tokenCount']), 0);
}

/** The last counts stand for the whole answer. https://ai.google.dev/api/generate-content#UsageMetadata */
function tokensOf(responses: readonly Loose[]): CountedTokens | null {
  const metadata = responses
    .map((response) => looseOf(response['usageMetadata']))
    .findLast((one) => 'totalTokenCount' in one || 'promptTokenCount' in one);
  if (metadata === undefined) return null;
  return {
    input: numberOf(metadata['promptTokenCount']) + numberOf(metadata['toolUsePromptTokenCount']),
    output: numberOf(metadata['candidatesTokenCount']) + numberOf(metadata['thoughtsTokenCount']),
    cached: numberOf(metadata['cachedContentTokenCount']),
    reasoning: numberOf(metadata['thoughtsTokenCount']),
    audioInput:
      audioOf(metadata['promptTokensDetails']) + audioOf(metadata['toolUsePromptTokensDetails']),
    audioOutput: audioOf(metadata['candidatesTokensDetails']),
  };
}

function responsesOf({ response }: Recording): readonly Loose[] {
  if (response.sse === undefined) return [looseOf(response.body)];
  return eventData(response.sse).map((data) => looseOf(JSON.parse(data)));
}

function textOf(parts: readonly Loose[]): string {
  return parts
    .filter((part) => !isThought(part))
    .map((part) => stringOf(part['text']))
    .join('');
}

/** What the recording says. */
export function expectedOfGemini(recording: Recording): Expected {
  const responses = responsesOf(recording);
  const candidates = candidatesOf(responses);
  const tokens = tokensOf(responses);
  const parts = [...candidates.values()].flatMap((candidate) => candidate.parts);
  if (responses.some((response) => 'error' in response)) {
    return { type: 'broken', text: textOf(parts) };
  }
  if (candidates.size === 0) {
    return { type: 'refused', status: 422, code: 'content_filtered', tokens };
  }
  if ([...candidates.values()].some((one) => one.parts.length === 0 && one.finish === '')) {
    return { type: 'refused', status: 502, code: 'provider_error', tokens };
  }
  const runsCode = parts.some((part) => 'executableCode' in part || 'codeExecutionResult' in part);
  return {
    type: 'answer',
    choices: new Map(
      [...candidates].map(([index, candidate]) => {
        const calls = callsOf(candidate.parts);
        return [
          index,
          {
            text: textOf(candidate.parts),
            calls,
            finish: finishOf(candidate.finish, calls.length > 0),
          },
        ];
      }),
    ),
    pieces: runsCode ? piecesOf(parts) : null,
    tokens,
    served: responses.map((one) => stringOf(one['modelVersion'])).find((one) => one !== '') ?? null,
    body: null,
  };
}
