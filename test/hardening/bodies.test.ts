/**
 * Request bodies that no client library sends (reliability §4.5): every one is answered with an error that names what
 * is wrong, none reaches a provider, and others are served meanwhile.
 *
 * @module
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { chatBody, openLab, SERVICE_KEY, type Lab, type Reply } from '../support/lab.ts';
import { rawCall, RawConnection } from './raw-connection.ts';

const PATH = '/v1/chat/completions';
const HEAD = `host: gateway\r\nauthorization: Bearer ${SERVICE_KEY}\r\ncontent-type: application/json\r\n`;
const MIB = 1024 * 1024;

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterEach(async () => {
  expect(await lab.openHolds()).toBe(0);
  expect(Reflect.get({}, 'polluted')).toBeUndefined();
});
afterAll(() => lab.close());

const post = (body: string | Buffer, headers = {}): Promise<Reply> =>
  lab.call(PATH, { body, headers });

/** A valid request with `members` put into its bytes. */
function bodyWith(members: string): string {
  return `{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":"x"}],${members}}`;
}

async function expectRefused(reply: Reply, status: number, param: string | null): Promise<void> {
  expect({ status: reply.status, param: reply.error['param'] }).toEqual({ status, param });
  expect(reply.headers.get('x-should-retry')).toBe('false');
  expect(reply.headers.get('x-gateway-cost')).toBe('0.000000000');
  expect(reply.error['request_id']).toBe(reply.headers.get('x-request-id'));
  expect(lab.simulator.log).toHaveLength(0);
}

describe('F53, F54: what is no JSON object in UTF-8', () => {
  const valid = JSON.stringify(chatBody('openai/gpt-4o-mini'));
  it.each<[string, string | Buffer]>([
    ['cut off', '{"model":'],
    ['empty', ''],
    ['an array', '[]'],
    ['a string', '"x"'],
    ['null', 'null'],
    ['UTF-16 with its mark', Buffer.from(`\uFEFF${valid}`, 'utf16le')],
    ['UTF-16 without', Buffer.from(valid, 'utf16le')],
    ['UTF-32', Buffer.from(Array.from(valid, (letter) => `${letter}\0\0\0`).join(''), 'latin1')],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${valid}`)],
    ['invalid UTF-8', Buffer.from('{"model":"\xff\xfe"}', 'latin1')],
    ['an overlong encoding', Buffer.from('{"model":"\xc0\xaf"}', 'latin1')],
    ['a surrogate in UTF-8', Buffer.from('{"model":"\xed\xa0\x80"}', 'latin1')],
    ['two objects', `${valid}${valid}`],
    ['a comment', `/* */${valid}`],
    ['a NUL behind it', `${valid}\0`],
    ['NaN', bodyWith('"temperature":NaN')],
  ])('%s: 400', async (_name, body) => {
    await expectRefused(await post(body), 400, null);
  });

  it('control characters as escapes, right-to-left marks, emoji: plain text', async () => {
    const content = 'a\0b\u202Ec😀\uD800';
    const reply = await post(
      JSON.stringify({ ...chatBody('openai/gpt-4o-mini'), messages: [{ role: 'user', content }] }),
    );
    expect(reply.status).toBe(200);
    const sent = JSON.parse(lab.simulator.log.at(-1)?.requestBody ?? '{}') as Record<
      string,
      unknown
    >;
    expect(sent).toMatchObject({ messages: [{ content }] });
    lab.simulator.reset();
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json; charset=utf-16',
    'application/xml',
    'x',
  ])('content-type %s: 415', async (type) => {
    await expectRefused(await post(valid, { 'content-type': type }), 415, 'content-type');
  });

  it('a compressed body: 415', async () => {
    await expectRefused(await post(valid, { 'content-encoding': 'gzip' }), 415, 'content-encoding');
  });

  it.each(['identity', 'Identity'])('content-encoding %s is none', async (coding) => {
    expect((await post(valid, { 'content-encoding': coding })).status).toBe(200);
    lab.simulator.reset();
  });

  it.each([
    'application/json; charset=UTF-8',
    'application/json;charset="utf-8"',
    'Application/JSON',
  ])('content-type %s is JSON', async (type) => {
    expect((await post(valid, { 'content-type': type })).status).toBe(200);
    lab.simulator.reset();
  });

  it('no content-type is taken for JSON', async () => {
    const head = `POST ${PATH} HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${SERVICE_KEY}\r\n`;
    const reply = await rawCall(lab.port, `${head}content-length: ${valid.length}\r\n\r\n${valid}`);
    expect(reply.status).toBe(200);
    lab.simulator.reset();
  });
});

describe('F53: keys that stand twice', () => {
  it.each([
    ['"model":"openai/gpt-4o"', 'model'],
    ['"mod\\u0065l":"openai/gpt-4o"', 'model'],
    ['"max_tokens":1,"max_tokens":100000', 'max_tokens'],
    ['"stream":false,"n":1,"stream":true', 'stream'],
    ['"unknown":1,"unknown":1', 'unknown'],
    ['"metadata":{"a":"1","a":"2"}', null],
    ['"tools":[{"type":"function","function":{"name":"a","name":"b"}}]', null],
  ])('%s: 400', async (members, param) => {
    await expectRefused(await post(bodyWith(members)), 400, param);
  });

  it('two contents in one message: 400', async () => {
    const twice =
      '{"role":"user","content":"x","content":[{"type":"image_url","image_url":{"url":"y"}}]}';
    const reply = await post(`{"model":"openai/gpt-4o-mini","messages":[${twice}]}`);
    await expectRefused(reply, 400, null);
  });
});

describe('F51: numbers and types', () => {
  it.each([
    ['"temperature":1e400', 'temperature'],
    ['"top_p":-1e400', 'top_p'],
    ['"max_tokens":1e18', 'max_tokens'],
    ['"max_tokens":1e400', 'max_tokens'],
    ['"max_tokens":-1', 'max_tokens'],
    ['"max_tokens":0', 'max_tokens'],
    ['"max_tokens":1.5', 'max_tokens'],
    ['"max_tokens":"5"', 'max_tokens'],
    ['"max_tokens":true', 'max_tokens'],
    ['"max_tokens":[5]', 'max_tokens'],
    ['"max_completion_tokens":1e18', 'max_completion_tokens'],
    ['"max_completion_tokens":-5', 'max_completion_tokens'],
    ['"n":0', 'n'],
    ['"n":1e9', 'n'],
    ['"n":1.5', 'n'],
    ['"seed":1e19', 'seed'],
    ['"seed":1.5', 'seed'],
    ['"stream":"true"', 'stream'],
    ['"stream":1', 'stream'],
    ['"stop":[1]', 'stop'],
    ['"tools":"x"', 'tools'],
    ['"tools":[{"type":"function","function":{"name":""}}]', 'tools[0].function.name'],
    ['"stream_options":{"include_usage":"yes"}', 'stream_options.include_usage'],
    ['"logit_bias":{"1":1e400}', 'logit_bias.1'],
    ['"temperature":"hot"', 'temperature'],
  ])('%s: 400 names the field', async (members, param) => {
    await expectRefused(await post(bodyWith(members)), 400, param);
  });

  it.each([
    ['{"messages":[{"role":"user","content":"x"}]}', 'model'],
    ['{"model":"","messages":[{"role":"user","content":"x"}]}', 'model'],
    ['{"model":["openai/gpt-4o-mini"],"messages":[{"role":"user","content":"x"}]}', 'model'],
    ['{"model":"openai/gpt-4o-mini"}', 'messages'],
    ['{"model":"openai/gpt-4o-mini","messages":{}}', 'messages'],
    ['{"model":"openai/gpt-4o-mini","messages":[]}', 'messages'],
    ['{"model":"openai/gpt-4o-mini","messages":[null]}', 'messages[0]'],
    ['{"model":"openai/gpt-4o-mini","messages":[{"content":"x"}]}', 'messages[0].role'],
    [
      '{"model":"openai/gpt-4o-mini","messages":[{"role":"user","content":{}}]}',
      'messages[0].content',
    ],
  ])('%s: 400 names the field', async (body, param) => {
    await expectRefused(await post(body), 400, param);
  });

  it('−0 and exponents of whole numbers are the numbers they are', async () => {
    const reply = await post(bodyWith('"temperature":-0,"max_tokens":1e1'));
    expect(reply.status).toBe(200);
    expect(reply.json).toMatchObject({ usage: { completion_tokens: 10 } });
    lab.simulator.reset();
  });
});

describe('F50: structure', () => {
  const nested = (open: string, close: string, levels: number): string =>
    bodyWith(`"metadata":${open.repeat(levels)}1${close.repeat(levels)}`);
  const keys = (count: number): string =>
    Array.from({ length: count }, (_, index) => `"k${index}":1`).join(',');

  it.each([
    ['lists 100,000 deep', () => nested('[', ']', 100_000)],
    ['objects 100,000 deep', () => nested('{"a":', '}', 100_000)],
    ['lists that are never closed', () => '['.repeat(1_000_000)],
    ['10⁶ keys', () => bodyWith(keys(1_000_000))],
    ['10⁶ keys inside', () => bodyWith(`"metadata":{${keys(1_000_000)}}`)],
    ['10⁶ keys that differ by escapes', () => bodyWith(keys(1_000_000).replaceAll('k', '\\u006b'))],
  ])('%s: 400, and the loop is not kept', async (_name, make) => {
    const body = make();
    // What the test itself does to make and send the body is not measured.
    const parse = await import('../../src/dialects/json-body.ts');
    const bytes = Buffer.from(body);
    const startedMs = performance.now();
    expect(() => parse.parseJsonObject(bytes, 128)).toThrow();
    expect(performance.now() - startedMs).toBeLessThan(1_000);
    await expectRefused(await post(body), 400, null);
  });

  it('as many keys as are allowed cost little more than reading them', async () => {
    const delay = monitorEventLoopDelay({ resolution: 10 });
    const body = bodyWith(`"metadata":{${keys(20_000)}},${keys(20_000)}`);
    delay.enable();
    const reply = await post(body);
    delay.disable();
    expect(reply.status).toBe(200);
    expect(delay.max / 1e6).toBeLessThan(5_000);
    lab.simulator.reset();
  });
});

describe('F52: keys that name prototypes', () => {
  it('are data in the body, and go on as they came', async () => {
    const evil = '{"polluted":true,"prototype":{"polluted":true}}';
    const reply = await post(
      bodyWith(`"__proto__":${evil},"constructor":${evil},"metadata":{"__proto__":${evil}}`),
    );
    expect(reply.status).toBe(200);
    const sent = lab.simulator.log.at(-1)?.requestBody ?? '';
    expect(sent).toContain(`"__proto__":${evil}`);
    expect(sent).toContain(`"constructor":${evil}`);
    lab.simulator.reset();
  });

  it.each(['openai/gpt-4o-mini', 'gemini/gemini-2.5-flash'])(
    'are data in tool arguments, schemas and options: %s',
    async (model) => {
      const evil = {
        ['__proto__']: { polluted: true },
        constructor: { prototype: { polluted: 1 } },
      };
      const argumentsJson = '{"__proto__":{"polluted":true},"city":"Rome"}';
      const reply = await lab.call(PATH, {
        body: {
          model,
          messages: [
            { role: 'user', content: 'call __proto__' },
            {
              role: 'assistant',
              content: null,
              tool_calls: [
                {
                  id: 'a',
                  type: 'function',
                  function: { name: 'weather', arguments: argumentsJson },
                },
              ],
            },
            { role: 'tool', tool_call_id: 'a', content: argumentsJson },
          ],
          tools: [
            {
              type: 'function',
              function: { name: 'weather', parameters: { type: 'object', properties: evil } },
            },
          ],
          logit_bias: JSON.parse('{"__proto__":1}') as object,
          provider_options: JSON.parse('{"__proto__":{"polluted":true}}') as object,
        },
      });
      expect([200, 400]).toContain(reply.status);
      if (reply.status === 200)
        expect(lab.simulator.log.at(-1)?.requestBody).toContain('__proto__');
      lab.simulator.reset();
    },
  );

  it('are data in tags', async () => {
    const reply = await post(JSON.stringify(chatBody('openai/gpt-4o-mini')), {
      'x-gateway-tags': '{"__proto__":"polluted","constructor":"x","toString":"y"}',
    });
    expect(reply.status).toBe(200);
    lab.simulator.reset();
  });
});

describe('F49: size', () => {
  it.each(['content-length: 104857600', `content-length: ${2 ** 53}`])(
    '%s: 413 before a byte of it is sent, and the connection closes',
    async (header) => {
      const reply = await rawCall(lab.port, `POST ${PATH} HTTP/1.1\r\n${HEAD}${header}\r\n\r\n`);
      expect(reply).toMatchObject({ status: 413, closed: true });
      expect(reply.headers['connection']).toBe('close');
      expect(JSON.parse(reply.body)).toMatchObject({ error: { code: 'payload_too_large' } });
    },
  );

  it('F46: 413 instead of 100 Continue', async () => {
    const head = `POST ${PATH} HTTP/1.1\r\n${HEAD}content-length: 104857600\r\nexpect: 100-continue\r\n\r\n`;
    expect((await rawCall(lab.port, head)).status).toBe(413);
  });

  it('chunks without end: 413 soon after the limit, and what was sent is let go', async () => {
    const connection = await RawConnection.open(lab.port);
    connection.write(`POST ${PATH} HTTP/1.1\r\n${HEAD}transfer-encoding: chunked\r\n\r\n`);
    const chunk = Buffer.concat([
      Buffer.from(`${MIB.toString(16)}\r\n`),
      Buffer.alloc(MIB, 0x61),
      Buffer.from('\r\n'),
    ]);
    let sentMib = 0;
    while (sentMib < 200 && (await connection.writeAll(chunk))) sentMib += 1;
    expect((await connection.reply()).status).toBe(413);
    expect(sentMib).toBeLessThan(64);
    await connection.closed();
    connection.destroy();
  });

  it('what comes behind a body that was refused is read over, and not served', async () => {
    const connection = await RawConnection.open(lab.port);
    connection.write(
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n`,
    );
    const reply = await connection.reply();
    expect([reply.status, reply.headers['connection']]).toEqual([401, 'close']);
    const call = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'Hi' }] };
    const body = JSON.stringify({ ...call, max_tokens: 8 });
    const head = `POST ${PATH} HTTP/1.1\r\n${HEAD}content-length: ${body.length}\r\n\r\n`;
    const before = lab.simulator.log.length;
    connection.write(`0\r\n\r\n${head}${body}`);
    await connection.closed();
    expect(connection.received).toBe('');
    // One call later, one call more: the one that nobody could have been told of was never made.
    expect((await rawCall(lab.port, head + body)).status).toBe(200);
    expect(lab.simulator.log).toHaveLength(before + 1);
    connection.destroy();
  });

  it('a key is asked for before the body is read', async () => {
    const reply = await rawCall(
      lab.port,
      `POST ${PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 104857600\r\n\r\n`,
    );
    expect(reply).toMatchObject({ status: 401, closed: true });
  });

  it('the control plane has a smaller limit of its own', async () => {
    const body = JSON.stringify({ id: 'x'.repeat(2 * MIB) });
    const reply = await lab.call('/admin/v1/plans', { key: lab.gateway.adminKey, body });
    expect(reply).toMatchObject({ status: 413, json: { code: 'payload_too_large' } });
  });
});
