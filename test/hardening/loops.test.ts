/**
 * F98: a gateway that is its own provider is found out soon, whoever says so in the answer.
 *
 * @module
 */
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';

const PATH = '/v1/chat/completions';
/** One for each call: what failed often enough is not asked again for a while. */
const MODELS = [
  'gpt-4o-mini',
  'gpt-4o',
  'gpt-4.1',
  'gpt-4.1-mini',
  'gpt-4.1-nano',
  'gpt-4-turbo',
  'gpt-4',
  'gpt-3.5-turbo',
  'o3-mini',
];
const unused = [...MODELS];
const nextModel = (): string => `openai/${unused.shift() ?? ''}`;

/** A port that is free now; taken again at once by the gateway that has to know it beforehand. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

let lab: Lab;
beforeAll(async () => {
  const port = await freePort();
  lab = await openLab({
    port,
    providers: 'none',
    environment: { OPENAI_API_KEY: SERVICE_KEY, OPENAI_BASE_URL: `http://127.0.0.1:${port}` },
    config: `models: ${JSON.stringify({ aliases: MODELS.map((model) => ({ alias: model, candidates: [`openai/${model}`] })) })}
`,
  });
});
afterAll(() => lab.close());

describe('F98: a provider address that is the gateway’s own', () => {
  it.each([false, true])('508 after a few rounds, nothing booked (stream: %s)', async (stream) => {
    const before = lab.log.length;
    const reply = await lab.call(PATH, { body: chatBody(nextModel(), { stream }) });
    expect(reply.status).toBe(508);
    expect(reply.error).toMatchObject({ code: 'loop_detected' });
    expect(reply.headers.get('x-should-retry')).toBe('false');
    expect(await lab.openHolds()).toBe(0);
    const rounds =
      lab.log
        .slice(before)
        .join('')
        .match(/"status":508/g) ?? [];
    expect(rounds.length).toBeGreaterThan(1);
    expect(rounds.length).toBeLessThan(12);
    const usage = await lab.call('/v1/usage');
    expect(usage.json).toMatchObject({ totals: { cost_usd: '0.000000000' } });
  });

  it.each(['NaN', '-1000', '1e9', '', '0x0', 'x', '999999999999'])(
    'a hop count of %j that a client makes up does not get round it',
    async (hops) => {
      const headers = { 'x-gateway-hop': hops };
      const reply = await lab.call(PATH, { body: chatBody(nextModel()), headers });
      expect(reply.status).toBe(508);
    },
  );
});
