/**
 * Event streams for tests: framing, cutting, reading back.
 *
 * @module
 */
import type { AssistantPart, TextStreamPart } from '../contracts/text.ts';
import type { TextStreamReader } from '../contracts/text-provider.ts';
import type { UsageVector } from '../contracts/usage.ts';
import { parseEvent, SseFramer } from '../http/sse-framer.ts';

/** One event of a stream: parsed JSON, or text that is sent as it stands. */
export type FixtureEvent = object | string;

/** Ways in which the WHATWG rules allow the same events to be written. */
export const FRAMINGS = {
  plain: { lineEnd: '\n', space: ' ', before: '' },
  crlf: { lineEnd: '\r\n', space: ' ', before: '' },
  cr: { lineEnd: '\r', space: ' ', before: '' },
  'no space': { lineEnd: '\n', space: '', before: '' },
  'byte order mark and comments': { lineEnd: '\n', space: ' ', before: '\ufeff: hello\n\n' },
  'ids and retry': { lineEnd: '\n', space: ' ', before: 'retry: 10\nid: 1\nunknown: x\n' },
} as const;

export type Framing = keyof typeof FRAMINGS;

function dataOf(event: FixtureEvent): string {
  return typeof event === 'string' ? event : JSON.stringify(event);
}

/** The events as bytes. `pretty` spreads each over several `data` lines. */
export function eventBytes(
  events: readonly FixtureEvent[],
  framing: Framing = 'plain',
  pretty = false,
): Buffer {
  const { lineEnd, space, before } = FRAMINGS[framing];
  const frames = events.map((event) => {
    const data =
      pretty && typeof event === 'object' ? JSON.stringify(event, null, 1) : dataOf(event);
    return data
      .split('\n')
      .map((line) => `data:${space}${line}${lineEnd}`)
      .join('')
      .concat(lineEnd);
  });
  return Buffer.from(before + frames.join(''));
}

/** Cuts bytes into pieces of the given lengths, repeated; inside characters too. */
export function cutBytes(bytes: Buffer, lengths: readonly number[]): readonly Buffer[] {
  const pieces: Buffer[] = [];
  for (let at = 0, turn = 0; at < bytes.length; turn += 1) {
    const length = Math.max(1, lengths[turn % lengths.length] ?? bytes.length);
    pieces.push(bytes.subarray(at, at + length));
    at += length;
  }
  return pieces;
}

/** Everything a reader says about a stream that comes in these pieces. */
export function readPieces(reader: TextStreamReader, pieces: readonly Buffer[]): TextStreamPart[] {
  const framer = new SseFramer(1 << 25);
  const parts: TextStreamPart[] = [];
  for (const piece of pieces) {
    framer.push(piece, (bytes, start, end) => {
      const event = parseEvent(bytes, start, end);
      if (event !== null) parts.push(...reader.event(event));
    });
  }
  parts.push(...reader.end());
  return parts;
}

/** Everything a reader says about these events. */
export function readEvents(
  reader: TextStreamReader,
  events: readonly FixtureEvent[],
): TextStreamPart[] {
  return readPieces(reader, [eventBytes(events)]);
}

export interface AssembledChoice {
  readonly index: number;
  /** Neighbouring texts of a kind joined, in order of arrival; tool calls at the end. */
  readonly parts: readonly AssistantPart[];
  readonly finish: { readonly reason: string; readonly raw: string | null } | null;
}

export interface AssembledAnswer {
  readonly id: string | null;
  readonly modelServed: string | null;
  readonly choices: readonly AssembledChoice[];
  readonly usage: UsageVector | null;
  readonly sourceUrls: readonly string[];
}

type OpenCall = { id: string; name: string; argumentsJson: string };

interface OpenChoice {
  readonly shown: { type: 'text' | 'reasoning' | 'refusal'; text: string }[];
  readonly calls: OpenCall[];
  finish: AssembledChoice['finish'];
}

function show(choice: OpenChoice, type: 'text' | 'reasoning' | 'refusal', text: string): void {
  const last = choice.shown.at(-1);
  if (last?.type === type) last.text += text;
  else if (text !== '') choice.shown.push({ type, text });
}

function addToChoice(choice: OpenChoice, part: TextStreamPart): void {
  switch (part.type) {
    case 'text-delta':
      return show(choice, 'text', part.text);
    case 'reasoning-delta':
      return show(choice, 'reasoning', part.text);
    case 'refusal-delta':
      return show(choice, 'refusal', part.text);
    case 'tool-call-start':
      if (part.index !== choice.calls.length) throw new Error('tool calls are counted from 0');
      choice.calls.push({ id: part.id, name: part.name, argumentsJson: '' });
      return;
    case 'tool-call-delta': {
      const call = choice.calls[part.index];
      if (call === undefined) throw new Error('arguments before the start of their call');
      call.argumentsJson += part.argumentsDelta;
      return;
    }
    case 'finish':
      if (choice.finish !== null) throw new Error('a choice finishes once');
      choice.finish = { reason: part.reason, raw: part.raw };
      return;
    default:
      return;
  }
}

/** What the parts of a stream amount to. @throws Error when their order breaks the contract */
export function assemble(parts: readonly TextStreamPart[]): AssembledAnswer {
  const choices = new Map<number, OpenChoice>();
  let start: { id: string | null; modelServed: string | null } | null = null;
  let usage: UsageVector | null = null;
  const sourceUrls: string[] = [];
  for (const part of parts) {
    if (part.type === 'answer-start') {
      if (start !== null) throw new Error('an answer starts once');
      start = { id: part.id, modelServed: part.modelServed };
      continue;
    }
    if (start === null) throw new Error(`${part.type} before answer-start`);
    if (part.type === 'usage') usage = part.usage;
    else if (part.type === 'source') sourceUrls.push(part.source.url);
    else {
      const choice = choices.get(part.choice) ?? { shown: [], calls: [], finish: null };
      choices.set(part.choice, choice);
      addToChoice(choice, part);
    }
  }
  return {
    id: start?.id ?? null,
    modelServed: start?.modelServed ?? null,
    choices: [...choices]
      .toSorted(([left], [right]) => left - right)
      .map(([index, choice]) => ({
        index,
        parts: [
          ...choice.shown,
          ...choice.calls.map((call) => ({
            type: 'tool-call' as const,
            ...call,
            argumentsJson: call.argumentsJson === '' ? '{}' : call.argumentsJson,
          })),
        ],
        finish: choice.finish,
      })),
    usage,
    sourceUrls,
  };
}

/** Texts of one kind in a list of parts. */
export function textOfParts(
  parts: readonly AssistantPart[],
  type: 'text' | 'reasoning' | 'refusal',
): string {
  return parts.map((part) => (part.type === type ? part.text : '')).join('');
}

/** Name and parsed arguments of the tool calls in a list of parts. */
export function callsOfParts(
  parts: readonly AssistantPart[],
): readonly { readonly name: string; readonly arguments: unknown }[] {
  return parts.flatMap((part) =>
    part.type === 'tool-call'
      ? [{ name: part.name, arguments: JSON.parse(part.argumentsJson) as unknown }]
      : [],
  );
}
