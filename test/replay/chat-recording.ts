/**
 * What recorded chat completions say. Shares no code with the gateway.
 *
 * @module
 */
import type { Recording } from '../support/recordings.ts';
import type { CountedTokens, Expected, SaidChoice } from './answer.ts';
import {
  eventData,
  jsonOrText,
  looseList,
  looseOf,
  numberOf,
  stringOf,
  type Loose,
} from './json.ts';
import { toldOf } from './told.ts';

/** Calls under construction, by the place at which the sender numbers them. */
interface DraftCall {
  id: string;
  name: string;
  arguments: string;
}

interface DraftChoice {
  text: string;
  finish: string | null;
  readonly calls: DraftCall[];
  readonly callAt: Map<number, DraftCall>;
}

/** Text of `content`: a string, or parts of which those with `text` count (thoughts have none). */
function textOfContent(content: unknown): string {
  if (typeof content === 'string') return content;
  return looseList(content)
    .map((part) => stringOf(part['text']))
    .join('');
}

function addCall(draft: DraftChoice, delta: Loose): void {
  const index = typeof delta['index'] === 'number' ? delta['index'] : null;
  const id = stringOf(delta['id']);
  const place = index ?? (id === '' ? draft.calls.length - 1 : draft.calls.length);
  let call = draft.callAt.get(place);
  // A number that comes again with another id begins another call.
  if (call === undefined || (id !== '' && call.id !== '' && call.id !== id)) {
    call = { id: '', name: '', arguments: '' };
    draft.calls.push(call);
    draft.callAt.set(place, call);
  }
  if (call.id === '') call.id = id;
  const definition = looseOf(delta['function']);
  call.name += stringOf(definition['name']);
  const given = definition['arguments'];
  call.arguments +=
    typeof given === 'object' && given !== null ? JSON.stringify(given) : stringOf(given);
}

/** Puts chunks (or one whole answer) together as a client does. */
export function readChat(frames: readonly Loose[]): ReadonlyMap<number, SaidChoice> {
  const drafts = new Map<number, DraftChoice>();
  for (const choice of frames.flatMap((frame) => looseList(frame['choices']))) {
    const index = numberOf(choice['index']);
    const draft = drafts.get(index) ?? { text: '', finish: null, calls: [], callAt: new Map() };
    drafts.set(index, draft);
    const message = looseOf(choice['delta'] ?? choice['message']);
    draft.text += textOfContent(message['content']);
    for (const call of looseList(message['tool_calls'])) addCall(draft, call);
    const finish = choice['finish_reason'];
    if (draft.finish === null && typeof finish === 'string' && finish !== '') draft.finish = finish;
  }
  return new Map(
    [...drafts].map(([index, { text, finish, calls }]) => [
      index,
      {
        text,
        finish,
        calls: calls.map((call) => ({ name: call.name, arguments: jsonOrText(call.arguments) })),
      },
    ]),
  );
}

/** Frames of a stream without its end marker. */
export function chatFrames(stream: string): readonly Loose[] {
  return eventData(stream)
    .filter((data) => data.trim() !== '[DONE]')
    .map((data) => looseOf(JSON.parse(data)));
}

/**
 * Tokens by the provider's own total. Where the total exceeds its parts, audio (Mistral) or reasoning (xAI) was
 * counted beside them; deep research counts citations and reasoning beside even the total (Perplexity).
 */
function tokensOf(usage: Loose): CountedTokens {
  const input = looseOf(usage['prompt_tokens_details']);
  const output = looseOf(usage['completion_tokens_details']);
  const prompt = numberOf(usage['prompt_tokens']);
  const completion = numberOf(usage['completion_tokens']);
  const beside = Math.max(0, numberOf(usage['total_tokens']) - prompt - completion);
  const audioInput = numberOf(input['audio_tokens']);
  const citations = numberOf(usage['citation_tokens']);
  const thoughts =
    numberOf(usage['num_search_queries']) > 0 ? numberOf(usage['reasoning_tokens']) : 0;
  const isAudio = beside > 0 && beside === audioInput;
  const allInput = prompt + (isAudio ? beside : 0) + citations;
  const cached =
    numberOf(input['cached_tokens']) ||
    numberOf(usage['prompt_cache_hit_tokens']) ||
    numberOf(usage['cached_tokens']);
  return {
    input: allInput,
    output: completion + (isAudio ? 0 : beside) + thoughts,
    // Grok on Azure says more cached tokens than the prompt has, in a total that has no room for them.
    cached: Math.min(cached, allInput),
    reasoning: numberOf(output['reasoning_tokens']) + thoughts,
    audioInput,
    audioOutput: numberOf(output['audio_tokens']),
  };
}

/** The last usage that counts anything; Groq has a second place for it. */
function lastTokens(frames: readonly Loose[]): CountedTokens | null {
  const counted = frames
    .map((frame) => looseOf(frame['usage'] ?? looseOf(frame['x_groq'])['usage']))
    .filter((usage) => numberOf(usage['prompt_tokens']) > 0)
    .at(-1);
  return counted === undefined ? null : tokensOf(counted);
}

/** What the recording says. */
export function expectedOfChat(recording: Recording): Expected {
  const { sse, body } = recording.response;
  const frames = sse === undefined ? [looseOf(body)] : chatFrames(sse);
  const error = frames.map((frame) => frame['error'] ?? null).find((found) => found !== null);
  if (error !== undefined) return expectedOfError(looseOf(error), readChat(frames));
  const served = frames.map((frame) => stringOf(frame['model'])).filter((model) => model !== '');
  return {
    type: 'answer',
    choices: readChat(frames),
    pieces: null,
    tokens: lastTokens(frames),
    served: served.at(-1) ?? null,
    body: sse === undefined ? looseOf(body) : null,
  };
}

/** An error inside a 200: a refusal of its own before any content, the end of the stream after it. */
function expectedOfError(error: Loose, said: ReadonlyMap<number, SaidChoice>): Expected {
  const text = said.get(0)?.text ?? '';
  if (text !== '') return { type: 'broken', text };
  const isFilter = error['code'] === 'content_filter';
  const [status, code] = isFilter
    ? ([422, 'content_filtered'] as const)
    : toldOf(numberOf(error['status']) || numberOf(error['code']) || 500);
  return { type: 'refused', status, code, tokens: null };
}
