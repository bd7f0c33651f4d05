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
const message = fc.oneof(
  value,
  fc.record(
    { role: fc.oneof(fc.constant('user'), value), content: fc.oneof(fc.string(), value, fc.array(part, { maxLength: 2 })), tool_calls: value, tool_call_id: value },
    { requiredKeys: [] },
  ),
);
const body = fc.record(
  {
    model: fc.oneof(fc.constant('a/b'), value),
    messages: fc.oneof(fc.array(message, { maxLength: 3 }), value),
    stream: value,
    max_tokens: value,
    max_completion_tokens: value,
    temperature: value,
    top_p: value,
    presence_penalty: value,
    frequency_penalty: value,
    user: value,
    reasoning_effort: value,
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
    const request = { model: 'sim/chat', messages: [{ role: 'user', content: 'Hello' }], stream: true, max_tokens: 5 };
    expect(usualChatRequest(request)).toBe(request);
  });
});
