import { describe, expect, it } from 'vitest';
import { parseChatCall } from './parse.ts';

function optionsOf(members: Record<string, unknown>) {
  const body = { model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...members };
  return parseChatCall(Buffer.from(JSON.stringify(body)), 32).options();
}

describe('chat options', () => {
  it('takes a schema with a name and without one', () => {
    const schema = { type: 'object' };
    const format = (more: Record<string, unknown>) =>
      optionsOf({ response_format: { type: 'json_schema', json_schema: { schema, ...more } } })
        .responseFormat;
    expect(format({ name: 'point' })).toEqual({ type: 'json-schema', name: 'point', schema });
    expect(format({})).toEqual({ type: 'json-schema', name: 'answer', schema });
    expect(() => format({ name: '' })).toThrow(/name/);
  });
});
