import { describe, expect, it } from 'vitest';
import type { InputPart, TextMessage } from '../../contracts/text.ts';
import { toGeminiMessages } from './messages.ts';
import { WarningList } from './warnings.ts';

const text = (value: string) => ({ type: 'text', text: value }) as const;
const user = (value: string): TextMessage => ({ role: 'user', parts: [text(value)] });
const call = (id: string, name: string, signature?: string) =>
  ({
    type: 'tool-call',
    id,
    name,
    argumentsJson: '{}',
    ...(signature === undefined ? {} : { signature }),
  }) as const;
const result = (toolCallId: string, ...parts: InputPart[]): TextMessage => ({
  role: 'tool',
  toolCallId,
  parts,
});

function write(messages: readonly TextMessage[], model = 'gemini-2.5-flash') {
  const warnings = new WarningList();
  const written = toGeminiMessages(messages, model, warnings);
  return { ...written, warned: warnings.all.map(({ option, action }) => `${option} ${action}`) };
}

describe('system messages', () => {
  it('before the conversation are the system instruction', () => {
    const { contents, systemInstruction, warned } = write([
      { role: 'system', parts: [text('a')] },
      { role: 'developer', parts: [text('b'), text('')] },
      user('hi'),
    ]);
    expect(systemInstruction).toEqual({ parts: [{ text: 'a' }, { text: 'b' }] });
    expect(contents).toEqual([{ role: 'user', parts: [{ text: 'hi' }] }]);
    expect(warned).toEqual([]);
  });

  it('later ones keep their place as user content, with a warning', () => {
    const { contents, systemInstruction, warned } = write([
      user('hi'),
      { role: 'assistant', parts: [text('yes?')] },
      { role: 'system', parts: [text('now in French')] },
      user('go'),
    ]);
    expect(systemInstruction).toBeUndefined();
    expect(contents.map(({ role, parts }) => `${role}:${parts[0]?.text}`)).toEqual([
      'user:hi',
      'model:yes?',
      'user:now in French',
      'user:go',
    ]);
    expect(warned).toEqual(['messages.role mapped']);
  });

  it('alone are content, since there must be one', () => {
    const { contents, systemInstruction } = write([{ role: 'system', parts: [text('a')] }]);
    expect(contents).toEqual([{ role: 'user', parts: [{ text: 'a' }] }]);
    expect(systemInstruction).toBeUndefined();
  });
});

describe('tool results', () => {
  it('of one turn are one content, named by the id of their call', () => {
    const { contents } = write([
      user('hi'),
      { role: 'assistant', parts: [call('call_0_r', 'first'), call('call_1_r', 'second')] },
      result('call_1_r', text('two')),
      result('call_0_r', text('{"n":1}')),
      { role: 'assistant', parts: [call('call_0_s', 'third')] },
      { role: 'tool', toolCallId: 'call_0_s', parts: [text('bad')], isError: true },
    ]);
    expect(contents[2]).toEqual({
      role: 'user',
      parts: [
        { functionResponse: { name: 'first', response: { n: 1 } } },
        { functionResponse: { name: 'second', response: { result: 'two' } } },
      ],
    });
    expect(contents[4]?.parts).toEqual([
      { functionResponse: { name: 'third', response: { error: 'bad' } } },
    ]);
  });

  it('an id that comes up again names the latest call', () => {
    const { contents } = write([
      { role: 'assistant', parts: [call('x', 'old')] },
      result('x', text('1')),
      { role: 'assistant', parts: [call('x', 'new')] },
      result('x', text('2')),
    ]);
    expect(contents[3]?.parts[0]?.functionResponse?.name).toBe('new');
  });

  it('of an unknown call are sent under its id, with a warning', () => {
    const { contents, warned } = write([user('hi'), result('lost', text('[1]'))]);
    expect(contents[1]?.parts[0]?.functionResponse).toEqual({
      name: 'lost',
      response: { result: [1] },
    });
    expect(warned).toEqual(['messages.tool_call_id mapped']);
  });

  it('carry images inside from Gemini 3 on, beside them before', () => {
    const image = {
      type: 'image',
      source: { kind: 'data', mimeType: 'image/png', base64: 'AA==' },
    } as const;
    const messages = [
      user('hi'),
      { role: 'assistant', parts: [call('x', 'f', 's')] } as const,
      result('x', text('ok'), image),
    ];
    const inlineData = { mimeType: 'image/png', data: 'AA==' };
    expect(write(messages, 'gemini-3.8-flash').contents[2]?.parts).toEqual([
      {
        functionResponse: {
          id: 'x',
          name: 'f',
          response: { result: 'ok' },
          parts: [{ inlineData }],
        },
      },
    ]);
    expect(write(messages).contents[2]?.parts).toEqual([
      { functionResponse: { name: 'f', response: { result: 'ok' } } },
      { inlineData },
    ]);
  });
});

describe('calls', () => {
  it('keep the provider’s ids from Gemini 3 on, and never send generated ones', () => {
    const messages = [
      user('hi'),
      {
        role: 'assistant',
        parts: [call('call_883098', 'f', 's'), call('call_1_resp', 'g')],
      } as const,
    ];
    const parts = write(messages, 'gemini-3.8-flash').contents[1]?.parts;
    expect(parts?.map((part) => part.functionCall?.id)).toEqual(['call_883098', undefined]);
    expect(write(messages).contents[1]?.parts[0]?.functionCall).not.toHaveProperty('id');
  });

  it('without their signature pass the check of the current turn only', () => {
    const messages: TextMessage[] = [
      user('one'),
      { role: 'assistant', parts: [call('a', 'f')] },
      result('a', text('1')),
      user('two'),
      { role: 'assistant', parts: [text('ok'), call('b', 'g'), call('c', 'h')] },
      result('b', text('1')),
      result('c', text('2')),
      { role: 'assistant', parts: [call('d', 'g', 'real')] },
      result('d', text('1')),
    ];
    const { contents, warned } = write(messages, 'gemini-3.8-flash');
    const signatures = contents.map(({ parts }) =>
      parts.map(({ thoughtSignature }) => thoughtSignature ?? '-').join(),
    );
    expect(signatures).toEqual([
      '-',
      '-',
      '-',
      '-',
      '-,skip_thought_signature_validator,-',
      '-,-',
      'real',
      '-',
    ]);
    expect(warned).toEqual(['messages.tool_calls.signature mapped']);
    expect(JSON.stringify(write(messages).contents)).not.toContain('skip_thought');
  });

  it('keep every digit of their arguments', () => {
    const part = { ...call('a', 'f'), argumentsJson: '{"id":12345678901234567890,"x":1.5}' };
    const { contents } = write([user('hi'), { role: 'assistant', parts: [part] }]);
    expect(JSON.stringify(contents[1]?.parts[0]?.functionCall?.args)).toBe(
      '{"id":12345678901234567890,"x":1.5}',
    );
  });

  it('whose arguments are no object are sent as text, with a warning', () => {
    const part = { ...call('a', 'f'), argumentsJson: '{"id":' };
    const { contents, warned } = write([user('hi'), { role: 'assistant', parts: [part] }]);
    expect(contents[1]?.parts[0]?.functionCall?.args).toEqual({ arguments: '{"id":' });
    expect(warned).toEqual(['messages.tool_calls.arguments mapped']);
  });
});

describe('parts', () => {
  it('echo signatures, also of empty texts, and leave empty texts out otherwise', () => {
    const { contents } = write([
      user('hi'),
      {
        role: 'assistant',
        parts: [
          { type: 'reasoning', text: 'hm', signature: 'r' },
          text(''),
          { type: 'text', text: '', signature: 's' },
          { type: 'refusal', text: 'no' },
        ],
      },
      { role: 'assistant', parts: [text('more')] },
    ]);
    expect(contents[1]).toEqual({
      role: 'model',
      parts: [
        { text: 'hm', thoughtSignature: 'r', thought: true },
        { text: '', thoughtSignature: 's' },
        { text: 'no' },
        { text: 'more' },
      ],
    });
  });

  it.each<[InputPart, object]>([
    [
      { type: 'image', source: { kind: 'url', url: 'https://x.test/a.PNG?w=1' } },
      { fileData: { fileUri: 'https://x.test/a.PNG?w=1', mimeType: 'image/png' } },
    ],
    [
      { type: 'image', source: { kind: 'url', url: 'https://x.test/a' } },
      { fileData: { fileUri: 'https://x.test/a' } },
    ],
    [
      { type: 'image', source: { kind: 'url', url: 'data:image/avif;base64,AAAA' } },
      { inlineData: { mimeType: 'image/avif', data: 'AAAA' } },
    ],
    [
      { type: 'file', source: { kind: 'url', url: 'data:,a%20b' } },
      { inlineData: { mimeType: 'text/plain', data: 'YSBi' } },
    ],
    [
      { type: 'video', source: { kind: 'provider-file', id: 'abc', mimeType: 'video/mp4' } },
      {
        fileData: {
          fileUri: 'https://generativelanguage.googleapis.com/v1beta/files/abc',
          mimeType: 'video/mp4',
        },
      },
    ],
    [
      { type: 'audio', source: { kind: 'provider-file', id: 'gs://bucket/a' } },
      { fileData: { fileUri: 'gs://bucket/a' } },
    ],
  ])('medium %j', (part, wire) => {
    expect(write([{ role: 'user', parts: [part] }]).contents[0]?.parts).toEqual([wire]);
  });

  it('names what it cannot carry', () => {
    const { warned } = write([
      {
        role: 'user',
        name: 'Ann',
        parts: [
          {
            type: 'file',
            filename: 'a.pdf',
            source: { kind: 'data', mimeType: 'application/pdf', base64: '' },
          },
          {
            type: 'image',
            detail: 'high',
            source: { kind: 'data', mimeType: 'image/png', base64: '' },
          },
        ],
      },
    ]);
    expect(warned).toEqual([
      'messages.name dropped',
      'messages.file.filename dropped',
      'messages.image.detail dropped',
    ]);
  });
});

describe('results of parallel calls', () => {
  it('follow the calls of their own turn, in whatever order they were sent', () => {
    const turn = (...ids: string[]): TextMessage => ({
      role: 'assistant',
      parts: ids.map((id) => call(id, 'weather')),
    });
    const { contents } = write([
      user('hi'),
      turn('a', 'b'),
      result('b', text('1b')),
      result('a', text('1a')),
      turn('b', 'a'),
      result('nobody', text('2?')),
      result('a', text('2a')),
      result('b', text('2b')),
    ]);
    const answers = contents.map(({ parts }) =>
      parts.flatMap(({ functionResponse }) => functionResponse?.response['result'] ?? []),
    );
    expect(answers).toEqual([[], [], ['1a', '1b'], [], ['2b', '2a', '2?']]);
  });
});
