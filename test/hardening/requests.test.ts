/**
 * Names, headers and paths that mean harm (reliability F58 to F60, F110): each is an id or a value and nothing else.
 *
 * @module
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { requestOf } from '../support/running-gateway.ts';
import { rawCall } from './raw-connection.ts';

const PATH = '/v1/chat/completions';
const MODEL = 'openai/gpt-4o-mini';

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterEach(async () => {
  lab.simulator.reset();
  expect(await lab.openHolds()).toBe(0);
});
afterAll(() => lab.close());

describe('F58: model names', () => {
  it.each([
    '../../admin',
    '%2e%2e%2f',
    'a?x=1#',
    'x'.repeat(10_000),
    `openai/${'x'.repeat(10_000)}`,
    'a\r\nx-injected: 1',
    '__proto__',
    'constructor',
    'toString',
    'nobody/gpt-4o-mini',
    '/openai/gpt-4o-mini',
    'OPENAI/gpt-4o-mini',
    ' openai/gpt-4o-mini',
    '\0',
  ])('%j: 404, and the name is quoted with a limit', async (model) => {
    const reply = await lab.call(PATH, { body: chatBody(model) });
    expect(reply.status).toBe(404);
    expect(reply.error).toMatchObject({ code: 'model_not_found', param: 'model' });
    expect(reply.text.length).toBeLessThan(1_500);
    expect(reply.headers.has('x-injected')).toBe(false);
  });

  it.each([
    'openai/../../admin',
    'openai/gpt-4o-mini?x=1',
    'openai/gpt-4o-mini#',
    'openai/gpt-4o-mini\r\nx: 1',
    'openai/__proto__',
    'gemini/../../../admin',
    'gemini/gemini-2.5-flash/../../x',
    'gemini/gemini-2.5-flash:countTokens',
    'gemini/gemini-2.5-flash?alt=sse',
    'gemini/%2e%2e%2fadmin',
    'huggingface/../admin',
  ])('%j: a model without a price; no provider is asked', async (model) => {
    const reply = await lab.call(PATH, { body: chatBody(model) });
    expect(reply.status).toBe(400);
    expect(reply.error).toMatchObject({ code: 'unpriced_model', param: 'model' });
    expect(lab.simulator.log).toHaveLength(0);
  });

  it('a priced name is one segment of the path that is asked for', async () => {
    const reply = await lab.call(PATH, { body: chatBody('gemini/models/gemini-2.5-flash') });
    expect(reply.status).toBe(200);
    expect(lab.simulator.log.at(-1)?.path).toBe(
      '/gemini/v1beta/models/gemini-2.5-flash:generateContent',
    );
  });

  it.each(['/v1/models/..%2f..%2fadmin', '/v1/models/%00', '/v1/models/%zz', '/v1/models/openai'])(
    '%s: 404',
    async (path) => {
      expect((await lab.call(path)).status).toBe(404);
    },
  );
});

describe('F59, F60: what is forwarded', () => {
  const HOSTILE = {
    host: 'evil.invalid',
    connection: 'close, x-hop-by-hop',
    'x-hop-by-hop': '1',
    'proxy-authorization': 'Basic eA==',
    te: 'trailers',
    'keep-alive': 'timeout=1',
    forwarded: 'for=10.0.0.1',
    'x-forwarded-for': '10.0.0.1',
    'x-forwarded-host': 'evil.invalid',
    'x-real-ip': '10.0.0.1',
    'x-goog-user-project': 'theirs',
    'openai-organization': 'org-theirs',
    'openai-project': 'proj-theirs',
    'x-goog-api-key': 'theirs',
    'x-api-key': 'theirs',
    cookie: 'session=theirs',
    'user-agent': 'theirs/1.0',
    'x-simulator-fault': '500',
    'x-custom': 'theirs',
    'x-gateway-tags': '{"a":"b"}',
    'accept-encoding': 'gzip',
  };

  it.each([MODEL, 'gemini/gemini-2.5-flash', 'huggingface/openai/gpt-oss-120b'])(
    '%s: neither hop-by-hop headers nor the client’s own reach the provider',
    async (model) => {
      const body = JSON.stringify(chatBody(model));
      const lines = Object.entries(HOSTILE).map(([name, value]) => `${name}: ${value}\r\n`);
      const key = `authorization: Bearer ${SERVICE_KEY}\r\ncontent-type: application/json\r\n`;
      const reply = await rawCall(
        lab.port,
        `POST ${PATH} HTTP/1.1\r\n${key}${lines.join('')}content-length: ${body.length}\r\n\r\n${body}`,
      );
      expect(reply.status).toBe(200);
      const sent = lab.simulator.log.at(-1)?.requestHeaders ?? {};
      expect(JSON.stringify(sent)).not.toMatch(/theirs|evil|10\.0\.0\.1/);
      expect(JSON.stringify(sent)).not.toContain(SERVICE_KEY);
      const own = ['host', 'connection', 'authorization', 'x-goog-api-key'];
      const foreign = Object.keys(HOSTILE).filter((name) => name in sent && !own.includes(name));
      expect(foreign.filter((name) => name !== 'accept-encoding' && name !== 'user-agent')).toEqual(
        [],
      );
      expect(sent['host']).toBe(`127.0.0.1:${lab.simulator.port}`);
    },
  );

  it('nothing of a request comes back in a header', async () => {
    const reply = await lab.call(PATH, {
      body: chatBody('x\r\nset-cookie: a=b'),
      headers: { 'x-request-id': 'theirs', 'x-custom': 'theirs', origin: 'https://evil.invalid' },
    });
    const headers = JSON.stringify([...reply.headers]);
    expect(headers).not.toMatch(/theirs|evil|set-cookie|access-control/);
  });

  it('headers of a provider do not come back either', async () => {
    const reply = await lab.call(PATH, { body: chatBody(MODEL) });
    const names = [...reply.headers.keys()].filter(
      (name) =>
        !/^(x-gateway-|x-ratelimit-|x-request-id|content-|date|connection|keep-alive)/.test(name),
    );
    expect(names).toEqual([]);
  });
});

describe('request headers of the gateway’s own', () => {
  it.each(['', '0', '-1', '1.5', 'soon', '1e3', '99999999999', '0x10', 'NaN', '5, 6'])(
    'F110: x-gateway-timeout-ms %j: 400 names the header',
    async (value) => {
      const reply = await lab.call(PATH, {
        body: chatBody(MODEL),
        headers: { 'x-gateway-timeout-ms': value },
      });
      expect(reply.status).toBe(400);
      expect(reply.error).toMatchObject({ code: 'invalid_request', param: 'x-gateway-timeout-ms' });
      expect(lab.simulator.log).toHaveLength(0);
    },
  );

  it.each([
    '',
    'blog',
    '[]',
    'null',
    '"x"',
    '{"a":1}',
    '{"a":{"b":"c"}}',
    '{"a b":"c"}',
    '{"":"c"}',
    `{"a":"${'x'.repeat(201)}"}`,
    JSON.stringify(Object.fromEntries(Array.from({ length: 17 }, (_, at) => [`t${at}`, 'x']))),
  ])('x-gateway-tags %s: 400 names the header', async (value) => {
    const reply = await lab.call(PATH, {
      body: chatBody(MODEL),
      headers: { 'x-gateway-tags': value },
    });
    expect(reply.status).toBe(400);
    expect(reply.error).toMatchObject({ code: 'invalid_request', param: 'x-gateway-tags' });
    expect(lab.simulator.log).toHaveLength(0);
  });

  it.each([false, true])(
    'F110: a timeout smaller than the work: 504 on time, nothing held (stream: %s)',
    async (stream) => {
      lab.simulator.setFault({ sequence: ['stall-headers'] });
      const startedMs = performance.now();
      const reply = await lab.call(PATH, {
        body: chatBody('openai/gpt-4o', { stream }),
        headers: { 'x-gateway-timeout-ms': '250' },
      });
      expect(reply.status).toBe(504);
      expect(reply.error).toMatchObject({ code: 'provider_timeout' });
      expect(performance.now() - startedMs).toBeLessThan(25_000);
      expect(await lab.openHolds()).toBe(0);
      await lab.simulator.idle();
      expect(lab.simulator.log.at(-1)).toMatchObject({ clientClosedEarly: true });
      const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
      expect(booked).toMatchObject({ status: 504, error_code: 'provider_timeout', attempts: 1 });
    },
  );

  it('F110: a timeout in mid-stream: an error event, no end marker, what was delivered is booked', async () => {
    lab.simulator.setFault({ sequence: ['stall-after-5'] });
    const reply = await lab.call(PATH, {
      body: chatBody('openai/gpt-4.1', { stream: true }),
      headers: { 'x-gateway-timeout-ms': '400' },
    });
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('"code":"provider_timeout"');
    expect(reply.text).not.toContain('[DONE]');
    const booked = await requestOf(lab.gateway, reply.headers.get('x-request-id') ?? '');
    expect(Number(booked.cost)).toBeGreaterThan(0);
  });
});

describe('routes', () => {
  it.each([
    '/',
    '/nope',
    '/v1',
    '/v1/',
    '/v1/models/',
    '//v1/models',
    '/V1/models',
    '/admin',
    '/v1/chat',
  ])('%s: 404', async (path) => {
    const reply = await lab.call(path);
    expect(reply.status).toBe(404);
    expect(reply.error).toMatchObject({ code: 'not_found' });
  });

  it.each([
    ['PUT', PATH, 'POST'],
    ['GET', PATH, 'POST'],
    ['DELETE', PATH, 'POST'],
    ['OPTIONS', PATH, 'POST'],
    ['POST', '/v1/models', 'GET'],
    ['DELETE', '/v1/models/openai%2Fgpt-4o-mini', 'GET'],
    ['POST', '/health/live', 'GET'],
    ['PATCH', '/metrics', 'GET'],
  ])('%s %s: 405 with Allow: %s', async (method, path, allow) => {
    const reply = await lab.call(path, { method });
    expect(reply.status).toBe(405);
    expect(reply.headers.get('allow')).toContain(allow);
    expect(reply.error).toMatchObject({ code: 'method_not_allowed' });
  });

  it('a query string changes no route', async () => {
    expect((await lab.call('/v1/models?limit=1&x=../admin')).status).toBe(200);
  });
});
