import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chatRequestSchema } from './schema.ts';
import { usualChatRequest } from './usual-request.ts';

const value = fc.oneof(
  fc.constant(null),
  fc.boolean(),
  fc.integer({ min: -2, max: 200_000_001 }),
  fc.double(),
  fc.string({ maxLength: 4 }),
  fc.constant([]),
  fc.constant({}),
);
const part = fc.oneof(value, fc.record({ type: value, text: value }, { requiredKeys: [] }));
const usualMessage = fc.record(
  {
    role: fc.constantFrom('user', 'system'),
    content: fc.oneof(fc.string(), fc.constant([{ type: 'text', text: 'a' }])),
  },
  { requiredKeys: ['role'] },
);
const oddMessage = fc.record(
  {
    role: fc.oneof(fc.constant('user'), value),
    content: fc.oneof(value, fc.array(part, { maxLength: 2 })),
    tool_calls: value,
    tool_call_id: value,
  },
  { requiredKeys: [] },
);
const message = fc.oneof({ weight: 6, arbitrary: usualMessage }, oddMessage, value);
const number = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 4096 }) }, value);
const body = fc.record(
  {
    model: fc.oneof({ weight: 6, arbitrary: fc.constant('a/b') }, value),
    messages: fc.oneof({ weight: 6, arbitrary: fc.array(message, { maxLength: 3 }) }, value),
    stream: fc.oneof({ weight: 4, arbitrary: fc.boolean() }, value),
    stream_options: fc.oneof(
      { weight: 6, arbitrary: fc.record({ include_usage: fc.boolean() }, { requiredKeys: [] }) },
      fc.record({ include_usage: value, more: value }, { requiredKeys: [] }),
      value,
    ),
    max_tokens: number,
    max_completion_tokens: number,
    temperature: number,
    top_p: number,
    user: fc.oneof({ weight: 4, arbitrary: fc.string() }, value),
    n: value,
    tools: value,
  },
  { requiredKeys: ['model', 'messages'] },
);

describe('usualChatRequest', () => {
  it('recognises only what the schema accepts, and reads it alike', () => {
    let recognised = 0;
    fc.assert(
      fc.property(body, (candidate) => {
        const usual = usualChatRequest(candidate as Record<string, unknown>);
        if (usual === null) return;
        recognised += 1;
        const parsed = chatRequestSchema.safeParse(candidate);
        expect(parsed.success).toBe(true);
        expect(parsed.data).toEqual(candidate);
      }),
      { numRuns: 20_000, seed: 7 },
    );
    expect(recognised).toBeGreaterThan(50);
  });

  it('recognises the request of every quick start', () => {
    const request = {
      model: 'sim/chat',
      messages: [{ role: 'user', content: 'Hello' }],
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 5,
    };
    expect(usualChatRequest(request)).toBe(request);
  });
});
