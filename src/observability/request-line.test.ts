import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Caller } from '../gateway/caller.ts';
import type { RequestRecord } from '../metering/ports.ts';
import { requestLine } from './request-line.ts';

const record: RequestRecord = {
  requestId: 'req_1',
  customerId: 'cus_1',
  keyId: 'key_1',
  operation: 'text.generate',
  modelAsked: 'openai/x',
  provider: 'openai',
  modelServed: 'x-1',
  status: 200,
  errorCode: null,
  stream: true,
  clientClosed: false,
  startedAtMs: 1000,
  firstTokenAtMs: 1200,
  finishedAtMs: 1500,
  overheadMs: 1.23456,
  attempts: 1,
  usage: { input_text_tokens: 3, output_text_tokens: 2 },
  costNanoUsd: 1_230_000n,
  estimated: false,
  simulated: false,
  warnings: [],
  tags: null,
};

const caller = { customer: { id: 'cus_1' }, key: { id: 'key_1' } } as Caller;

describe('requestLine', () => {
  it('is one JSON object on one line', () => {
    const line = requestLine(record, caller);
    expect(line.indexOf('\n')).toBe(line.length - 1);
    expect(JSON.parse(line)).toMatchObject({
      level: 30,
      time: '1970-01-01T00:00:01.500Z',
      request_id: 'req_1',
      customer: 'cus_1',
      model: 'x-1',
      input_tokens: 3,
      cost_usd: '0.001230000',
      duration_ms: 500,
      first_token_ms: 200,
      overhead_ms: 1.235,
    });
  });

  it('says of each call what is its own, whatever the one before it had in common with it', () => {
    const callers = ['cus_1', 'cus_2'].flatMap((customer) =>
      ['key_1', 'key_2'].map((key) => ({ customer: { id: customer }, key: { id: key } }) as Caller),
    );
    const call = fc.record({
      caller: fc.constantFrom(...callers),
      modelAsked: fc.constantFrom('openai/x', 'é"y'),
      modelServed: fc.constantFrom(null, 'x-1', '鍵'),
      provider: fc.constantFrom(null, 'openai'),
      operation: fc.constantFrom('text.generate', 'image.generate'),
      status: fc.constantFrom(200, 502),
      stream: fc.boolean(),
      attempts: fc.constantFrom(1, 2),
    });
    fc.assert(
      fc.property(fc.array(call, { minLength: 1, maxLength: 30 }), (calls) => {
        for (const { caller: by, ...own } of calls) {
          const line = JSON.parse(requestLine({ ...record, ...own }, by)) as unknown;
          expect(line).toMatchObject({
            customer: by.customer.id,
            key: by.key.id,
            operation: own.operation,
            model_asked: own.modelAsked,
            model: own.modelServed ?? own.modelAsked,
            provider: own.provider ?? 'none',
            status: own.status,
            stream: own.stream,
            attempts: own.attempts,
          });
        }
      }),
    );
  });

  it('F91 stays one line whatever callers write into it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (model, tag) => {
        const line = requestLine(
          {
            ...record,
            modelAsked: model,
            modelServed: tag,
            tags: { [tag]: model },
            warnings: [model],
          },
          caller,
        );
        expect(line.split('\n')).toHaveLength(2);
        expect((JSON.parse(line) as { model_asked: string }).model_asked).toBe(model.slice(0, 300));
      }),
    );
  });
});
