import { describe, expect, it } from 'vitest';
import { parseChatCall } from './parse.ts';

const bodyOf = (characters: number): Record<string, unknown> => ({
  model: 'openai/gpt-4o-mini',
  messages: [
    { role: 'developer', content: 'Answer in verse.' },
    { role: 'user', content: 'é'.repeat(characters) },
  ],
  tools: [{ type: 'function', function: { name: 'look', parameters: { type: 'object' } } }],
  max_tokens: 7,
  stream_options: { include_usage: true },
});

describe('parseChatCall of large bodies', () => {
  it.each([10, 20_000])(
    'says the same of a body, whether it is kept or read again: %i',
    (characters) => {
      const body = bodyOf(characters);
      const call = parseChatCall(Buffer.from(JSON.stringify(body)), 32);
      expect(call.body).toEqual(body);
      expect(Object.keys(call.body)).toEqual(Object.keys(body));
      expect(call.body['messages']).toEqual(body['messages']);
      expect({ ...call.options(), messages: null }).toMatchObject({ maxOutputTokens: 7 });
      expect(JSON.stringify(call.options())).toContain('é'.repeat(characters));
    },
  );

  it('does not hold the texts of a large body beside its bytes', () => {
    const call = parseChatCall(Buffer.from(JSON.stringify(bodyOf(20_000))), 32);
    expect(call.body['messages']).not.toBe(call.body['messages']);
    const small = parseChatCall(Buffer.from(JSON.stringify(bodyOf(10))), 32);
    expect(small.body['messages']).toBe(small.body['messages']);
  });
});
