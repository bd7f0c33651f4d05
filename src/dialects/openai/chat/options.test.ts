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

  it('takes null wherever clients write it for what is absent', () => {
    expect(
      optionsOf({ response_format: { type: 'text', json_schema: null } }).responseFormat,
    ).toEqual({ type: 'text' });
    expect(optionsOf({ tools: [{ type: 'web_search', function: null }] }).tools).toEqual([
      { type: 'web-search' },
    ]);
    expect(() => optionsOf({ tools: [{ type: 'function', function: null }] })).toThrow(
      /tools\[0\]\.function/,
    );
  });

  it('refuses what a translation would lose, and with it what was asked for', () => {
    const nothing = { functions: null, function_call: null, modalities: null, audio: null };
    expect(optionsOf({ ...nothing, functions: [], modalities: ['text'] }).messages).toHaveLength(1);
    expect(() => optionsOf({ functions: [{ name: 'f' }] })).toThrow(/functions/);
    expect(() => optionsOf({ function_call: 'auto' })).toThrow(/function_call/);
    expect(() => optionsOf({ modalities: ['text', 'audio'] })).toThrow(/modalities/);
    expect(() => optionsOf({ audio: { voice: 'alloy', format: 'wav' } })).toThrow(/audio/);
    const said = (members: Record<string, unknown>) =>
      optionsOf({ messages: [{ role: 'assistant', content: null, ...members }] }).messages;
    expect(() => said({ audio: { id: 'audio_1' } })).toThrow(/messages\[0\]\.audio/);
    expect(() => said({ function_call: { name: 'f', arguments: '{}' } })).toThrow(
      /messages\[0\]\.function_call/,
    );
  });

  it('keeps a refusal that the model gave beside its content', () => {
    const messages = [{ role: 'assistant', content: null, refusal: 'I will not.' }];
    expect(optionsOf({ messages }).messages).toEqual([
      { role: 'assistant', parts: [{ type: 'refusal', text: 'I will not.' }] },
    ]);
  });

  it('names what only a provider of the same protocol is sent, where it asks for something', () => {
    const named = (members: Record<string, unknown>) =>
      parseChatCall(
        Buffer.from(
          JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hi' }], ...members }),
        ),
        32,
      ).untranslatedParameters;
    expect(named({})).toEqual([]);
    expect(named({ store: false, metadata: null, verbosity: null })).toEqual([]);
    expect(named({ verbosity: 'low', store: true, metadata: { a: 'b' } })).toEqual([
      'metadata',
      'store',
      'verbosity',
    ]);
  });

  it('takes seeds of 64 bits, as OpenAI does', () => {
    const seeded = (seed: string) =>
      parseChatCall(
        Buffer.from(`{"model":"m","messages":[{"role":"user","content":"Hi"}],"seed":${seed}}`),
        32,
      ).options().seed;
    expect(seeded('9223372036854775807')).toBe(2 ** 63);
    expect(seeded('-9223372036854775808')).toBe(-(2 ** 63));
    expect(() => seeded('1.5')).toThrow(/seed: must be an integer/);
  });
});
