import { describe, expect, test } from 'vitest';
import { ProviderFailureError } from '../../contracts/provider-failure.ts';
import {
  assemble,
  callsOfParts,
  readEvents,
  type FixtureEvent,
} from '../stream-fixture.contract.ts';
import { COMMON_QUIRKS } from './quirks.ts';
import { ChatStreamReader } from './stream.ts';

const read = (events: readonly FixtureEvent[], choices = 1) => {
  const reader = new ChatStreamReader({ quirks: COMMON_QUIRKS, choices });
  return assemble(readEvents(reader, events));
};
const delta = (value: object, finish: string | null = null, index = 0): object => ({
  id: 'a-1',
  model: 'm',
  choices: [{ index, delta: value, finish_reason: finish }],
});

describe('completeness', () => {
  test('an end marker settles choices that a server does not give', () => {
    expect(read([delta({ content: 'x' }, 'stop'), '[DONE]'], 2).choices).toHaveLength(1);
  });

  test.each<[string, readonly FixtureEvent[], number]>([
    ['end marker without a finish', [delta({ content: 'x' }), '[DONE]'], 1],
    ['end marker without anything', ['[DONE]'], 1],
    ['one of two', [delta({ content: 'x' }, 'stop')], 2],
    [
      'a choice begun and not ended',
      [delta({}, 'stop'), delta({ content: 'x' }, null, 1), '[DONE]'],
      2,
    ],
  ])('broken: %s', (_name, events, choices) => {
    expect(() => read(events, choices)).toThrow(ProviderFailureError);
  });

  test('nothing counts after the end marker', () => {
    const events = [delta({ content: 'x' }, 'stop'), '[DONE]', delta({ content: 'y' }), 'junk'];
    expect(read(events).choices[0]?.parts).toEqual([{ type: 'text', text: 'x' }]);
  });
});

describe('oddities', () => {
  test('the latest usage counts, not the sum', () => {
    const usage = (completion: number): object => ({
      usage: { prompt_tokens: 5, completion_tokens: completion, total_tokens: 5 + completion },
    });
    const answer = read([
      { ...delta({ content: 'a' }), ...usage(1) },
      { ...delta({}, 'stop'), ...usage(2) },
      { choices: [], ...usage(3) },
    ]);
    expect(answer.usage).toEqual({ input_text_tokens: 5, output_text_tokens: 3 });
  });

  test('a whole message instead of deltas', () => {
    const message = { content: 'whole', tool_calls: [{ id: 'c', function: { name: 'f' } }] };
    const answer = read([{ id: 'a', choices: [{ message, finish_reason: 'stop' }] }]);
    expect(answer.choices[0]).toMatchObject({
      parts: [
        { type: 'text', text: 'whole' },
        { type: 'tool-call', id: 'c', name: 'f' },
      ],
      finish: { reason: 'tool-calls', raw: 'stop' },
    });
  });

  test('a whole message after deltas is not said again', () => {
    const done = { id: 'a', choices: [{ message: { content: 'hi' }, finish_reason: 'stop' }] };
    expect(read([delta({ content: 'hi' }), done]).choices[0]?.parts).toEqual([
      { type: 'text', text: 'hi' },
    ]);
  });

  test('calls without ids get ids that are the same each time and differ from each other', () => {
    const events = [
      delta({ tool_calls: [{ index: 0, function: { name: 'f', arguments: '{}' } }] }),
      delta({ tool_calls: [{ index: 1, id: 'same', function: { name: 'g', arguments: '{}' } }] }),
      delta({ tool_calls: [{ index: 2, id: 'same', function: { name: 'h', arguments: '{}' } }] }),
      delta({}, 'tool_calls'),
    ];
    const ids = (): string[] =>
      (read(events).choices[0]?.parts ?? []).flatMap((part) =>
        part.type === 'tool-call' ? [part.id] : [],
      );
    expect(ids()).toEqual(['call_a1_0_0', 'same', 'call_a1_0_2']);
    expect(ids()).toEqual(ids());
  });

  test('interleaved calls keep their arguments apart', () => {
    const piece = (index: number, more: object): object =>
      delta({ tool_calls: [{ index, ...more }] });
    const answer = read([
      piece(0, { id: 'a', function: { name: 'f', arguments: '{"x"' } }),
      piece(1, { id: 'b', function: { name: 'g', arguments: '{"y"' } }),
      piece(0, { function: { arguments: ':1}' } }),
      piece(1, { function: { arguments: ':2}' } }),
      delta({}, 'tool_calls'),
    ]);
    expect(callsOfParts(answer.choices[0]?.parts ?? [])).toEqual([
      { name: 'f', arguments: { x: 1 } },
      { name: 'g', arguments: { y: 2 } },
    ]);
  });

  test('sources of the answer come once, before its end', () => {
    const cited = { citations: ['https://a.test', 'https://b.test'] };
    const answer = read([
      { ...delta({ content: 'x' }), ...cited },
      { ...delta({ content: 'y' }), ...cited },
      { ...delta({}, 'stop'), ...cited },
    ]);
    expect(answer.sourceUrls).toEqual(['https://a.test', 'https://b.test']);
  });

  test('an error event without an error member', () => {
    const reader = new ChatStreamReader({ quirks: COMMON_QUIRKS, choices: 1 });
    expect(() =>
      reader.event({ event: 'error', data: '{"message":"Overloaded","code":503}' }),
    ).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ kind: 'overloaded' }) }),
    );
  });
});
