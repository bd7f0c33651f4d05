import { expect, it } from 'vitest';
import { replyLines } from './reply-headers.ts';

it('a name of the provider for its model stays a header that clients take', () => {
  const { text } = replyLines({
    requestId: 'req_1',
    provider: 'openai',
    model: `openai/é\r\n${'x'.repeat(20_000)}`,
    attempts: 1,
    costNanoUsd: null,
    overheadMs: 1,
    rates: null,
    warnings: [],
    simulated: false,
  });
  expect(text).toContain('x-gateway-model: openai/???xxx');
  expect(text.length).toBeLessThan(1_000);
});
