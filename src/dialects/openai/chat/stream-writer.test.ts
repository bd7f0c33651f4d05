import { describe, expect, it } from 'vitest';
import type { TextStreamPart } from '../../../contracts/text.ts';
import { ChatStreamWriter } from './stream-writer.ts';

/** A writer over a stream of one event that stands for the given parts. */
function written(parts: readonly TextStreamPart[]): readonly Record<string, unknown>[] {
  const reader = { complete: true, event: () => parts, end: () => [] };
  const context = { requestId: 'req_1', model: 'x', createdAtMs: 0 };
  const writer = new ChatStreamWriter(reader, context, true);
  const begun = writer.push(Buffer.from('data: {}\n\n'))?.toString() ?? '';
  const closed = writer.close({
    requestId: 'req_1',
    costNanoUsd: 0n,
    usage: {},
    estimated: false,
    model: 'p/x',
    createdAtMs: 0,
  });
  return `${begun}${closed.toString()}`
    .split('\n\n')
    .filter((frame) => frame.startsWith('data: {'))
    .map((frame) => JSON.parse(frame.slice(6)) as Record<string, unknown>);
}

describe('ChatStreamWriter', () => {
  it('R5 gives an empty answer its role, and every other choice its role once', () => {
    const finish = (choice: number): TextStreamPart => ({
      type: 'finish',
      choice,
      reason: 'content-filter',
      raw: 'SAFETY',
    });
    const frames = written([{ type: 'text-delta', choice: 1, text: 'a' }, finish(0), finish(1)]);
    expect(frames.slice(0, 3)).toMatchObject([
      { choices: [{ index: 1, delta: { role: 'assistant', content: 'a' } }] },
      {
        choices: [
          { index: 0, delta: { role: 'assistant', content: '' }, finish_reason: 'content_filter' },
        ],
      },
      { choices: [{ index: 1, delta: {}, finish_reason: 'content_filter' }] },
    ]);
    expect(frames[2]).toHaveProperty(['choices', 0, 'delta'], {});
  });

  it('gives its reader what stands in no usual event: bare errors, and whole events without their blank line', () => {
    const seen: string[] = [];
    const reader = {
      complete: true,
      event: ({ data }: { data: string }) => {
        seen.push(data);
        return [];
      },
      end: () => [],
    };
    const context = { requestId: 'req_1', model: 'x', createdAtMs: 0 };
    for (const tail of ['data: {"a":1}', 'data: {"a":', '{"error":{}}']) {
      const writer = new ChatStreamWriter(reader, context, true);
      writer.push(Buffer.from(`{"error":{"code":1}}\n\n: note\n\n${tail}`));
      writer.end();
    }
    const bare = '{"error":{"code":1}}';
    expect(seen.map((data) => data.trim())).toEqual([bare, '{"a":1}', bare, bare, '{"error":{}}']);
  });
});
