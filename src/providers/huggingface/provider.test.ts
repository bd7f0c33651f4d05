import { describe, expect, test } from 'vitest';
import { readJsonBody } from '../../dialects/json-body.ts';
import type { TextMessage } from '../../contracts/text.ts';
import {
  chatConformance,
  COMMON_WIRE_PATHS,
} from '../openai-compatible/conformance-fixture.contract.ts';
import { describeTextProvider } from '../provider.contract.ts';
import { assemble, readEvents, textOfParts } from '../stream-fixture.contract.ts';
import { huggingFace } from './provider.ts';

describeTextProvider(
  chatConformance(huggingFace, {
    model: 'deepseek-ai/DeepSeek-R1:together',
    wirePaths: {
      ...COMMON_WIRE_PATHS,
      maxOutputTokens: 'max_tokens',
      topK: 'top_k',
      serviceTier: 'service_tier',
    },
  }),
);

const messages: readonly TextMessage[] = [{ role: 'user', parts: [{ type: 'text', text: 'Hi' }] }];
const target = {
  model: 'org/name:cheapest',
  baseUrl: 'https://router.huggingface.co',
  credential: 'hf_x',
  settings: { billTo: 'my-org' },
};

describe('Hugging Face router', () => {
  test('the model keeps its suffix and comes first in the body', () => {
    const { request } = huggingFace.text?.generate({ messages }, target) ?? {};
    expect(request?.path).toBe('/v1/chat/completions');
    expect(request?.body?.toString()).toMatch(/^\{"model":"org\/name:cheapest",/);
    expect(request?.headers['x-hf-bill-to']).toBe('my-org');
  });

  test.each([
    ['elsewhere', '{"messages":[{"role":"user","content":"é"}],"temperature":1e0,"model":"alias"}'],
    ['first', '{"model":"alias","messages":[{"role":"user","content":"é"}],"temperature":1e0}'],
    ['missing', '{"messages":[{"role":"user","content":"é"}],"temperature":1e0}'],
  ])('relayed: the model comes first where it stood %s', (_where, text) => {
    const { value: body, bytes, members, letters } = readJsonBody(Buffer.from(text), 8);
    const request = huggingFace.text?.relay?.request(
      { bytes, members, letters, body, maxOutputTokens: 50, stream: true },
      target,
    );
    const sent = Buffer.from(request?.bodyText ?? '', 'latin1').toString();
    expect(sent).toMatch(/^\{"model":"org\/name:cheapest",/);
    expect(sent).toContain('"messages":[{"role":"user","content":"é"}],"temperature":1e0');
    expect(JSON.parse(sent)).toEqual({
      ...body,
      model: 'org/name:cheapest',
      max_tokens: 50,
      stream_options: { include_usage: true },
    });
  });

  test('thoughts in tags are parted from the text, however the stream is cut', () => {
    const content = ' <think>\nA < B, so</thin… no\n</think>\n\nAnswer: <b>3</b> </think>';
    const expected = { reasoning: '\nA < B, so</thin… no\n', text: 'Answer: <b>3</b> </think>' };
    const reply = {
      status: 200,
      headers: {},
      body: Buffer.from(
        JSON.stringify({ choices: [{ message: { content }, finish_reason: 'stop' }] }),
      ),
    };
    const whole = huggingFace.text?.generate({ messages }, target).read(reply);
    const wholeParts = whole?.choices[0]?.parts ?? [];
    expect(textOfParts(wholeParts, 'reasoning')).toBe(expected.reasoning);
    expect(textOfParts(wholeParts, 'text')).toBe(expected.text);
    for (const size of [1, 2, 3, 5, 8, 13, 100]) {
      const pieces: string[] = [];
      for (let at = 0; at < content.length; at += size) pieces.push(content.slice(at, at + size));
      const events = [
        ...pieces.map((piece) => ({ choices: [{ index: 0, delta: { content: piece } }] })),
        { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
      ];
      const reader = huggingFace.text?.stream?.({ messages }, target).open();
      if (reader === undefined) throw new Error('streams');
      const parts = assemble(readEvents(reader, events)).choices[0]?.parts ?? [];
      expect(textOfParts(parts, 'reasoning')).toBe(expected.reasoning);
      expect(textOfParts(parts, 'text')).toBe(expected.text);
    }
  });

  test.each([
    ['text member', 400, '{"error":"Bad inputs"}', 'invalid_request', 'Bad inputs'],
    [
      'OpenAI object',
      400,
      '{"error":{"message":"The requested model \'x\' is not supported by any provider you have enabled.","type":"invalid_request_error","code":"model_not_supported","param":"model"}}',
      'model_not_found',
      "The requested model 'x' is not supported by any provider you have enabled.",
    ],
    ['detail', 422, '{"detail":"Missing field"}', 'invalid_request', 'Missing field'],
    ['message', 404, '{"message":"No such model"}', 'model_not_found', 'No such model'],
    ['plain text', 422, 'Failed to deserialize', 'invalid_request', 'Failed to deserialize'],
    [
      'no credits',
      402,
      '{"error":"You have exceeded your monthly included credits for Inference Providers."}',
      'credit',
      'You have exceeded your monthly included credits for Inference Providers.',
    ],
  ])('error shape: %s', (_name, status, body, kind, message) => {
    const failure = huggingFace.readError({ status, headers: {}, body: Buffer.from(body) });
    expect(failure).toMatchObject({ kind, status, message, waitMs: null });
  });

  test('a model that is loading says for how long', () => {
    const body = Buffer.from('{"error":"Model x is currently loading","estimated_time":20.5}');
    expect(huggingFace.readError({ status: 503, headers: {}, body })).toMatchObject({
      kind: 'overloaded',
      waitMs: 20_500,
    });
  });
});
