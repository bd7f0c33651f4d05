/**
 * A fallback costs what the model that answered costs, whatever was asked for first: twice over, in either direction,
 * on two models of different prices.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openFaultLab, type FaultLab, type Shape } from './fault-lab.ts';

/** Nano-USD per token, input and output: https://openai.com/api/pricing, https://ai.google.dev/gemini-api/docs/pricing */
const RATES: Readonly<Record<string, readonly [number, number]>> = {
  openai: [150, 600],
  gemini: [100, 400],
};

let lab: FaultLab;
beforeAll(async () => {
  lab = await openFaultLab();
});
afterAll(async () => {
  await lab.assertClean();
  await lab.close();
});

describe.each([
  ['openai>gemini', 'gemini'],
  ['gemini>openai', 'openai'],
] as const)('%s', (shape: Shape, answering) => {
  it.each([true, false])(
    'costs what the model that answers costs, streamed: %s',
    async (stream) => {
      const route = lab.route(shape);
      lab.fault(route.primary, '500');
      const outcome = await lab.send({
        model: route.alias,
        stream,
        ...(stream ? { body: { stream_options: { include_usage: true } } } : {}),
      });
      expect(outcome.status).toBe(200);
      const { prompt_tokens: input, completion_tokens: output } = outcome.usage ?? {};
      const [inputRate, outputRate] = RATES[answering] ?? [0, 0];
      const nanoUsd = Number(input) * inputRate + Number(output) * outputRate;
      expect(nanoUsd).toBeGreaterThan(0);
      const { record } = await lab.books(outcome);
      expect(record.provider).toBe(answering);
      expect(record.cost).toBe((nanoUsd / 1e9).toFixed(9));
    },
  );
});
