/**
 * What reads a connection cannot be told from its replies: the same heads in the same order, the same bodies.
 *
 * @module
 */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { chatBody, openLab, SERVICE_KEY, type Lab } from '../support/lab.ts';
import { RawConnection } from './raw-connection.ts';

const fronts: Lab[] = [];
beforeAll(async () => {
  for (const front of ['plain', 'node'] as const) fronts.push(await openLab({ front }));
});
afterAll(async () => {
  for (const lab of fronts) await lab.close();
});

const post = (body: string, more = ''): string =>
  `POST /v1/chat/completions HTTP/1.1\r\nhost: gateway\r\nauthorization: Bearer ${SERVICE_KEY}\r\n${more}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
const chat = (more: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify(chatBody('openai/gpt-4o-mini', more));

/** The text of a reply without what differs from call to call, and without the places where chunks begin. */
function comparable(text: string): string {
  const chunks = /(?<=\r\n\r\n)[\da-f]+\r\n.*$/s;
  return text
    .replace(chunks, (body) => body.replaceAll(/(?:^|\r\n)[\da-f]+\r\n/g, ''))
    .replaceAll(/req_\w+/g, 'req')
    .replaceAll(/chatcmpl-\w+/g, 'chatcmpl')
    .replaceAll(/(?<=Date: ).*/g, 'now')
    .replaceAll(/(?<=x-gateway-overhead-ms: ).*/g, 'few')
    .replaceAll(/(?<="created":)\d+/g, '0')
    .replaceAll(/(?<=x-ratelimit-\S+: ).*/g, 'some');
}

async function replyOf(lab: Lab, bytes: string): Promise<string> {
  lab.simulator.reset();
  const connection = await RawConnection.open(lab.port);
  connection.write(bytes);
  connection.halfClose();
  await connection.closed();
  connection.destroy();
  return connection.received.replaceAll('HTTP/1.1 102 Processing\r\n\r\n', '');
}

/**
 * The same reply; what is refused before its body is read ends the connection with `node:http` alone, which has not taken
 * the body by then.
 */
async function expectAlike(bytes: string, isUnread: boolean): Promise<void> {
  const kept = 'Connection: keep-alive\r\nKeep-Alive: timeout=75\r\n';
  const [plain = '', node = ''] = await Promise.all(fronts.map((lab) => replyOf(lab, bytes)));
  expect(plain).toMatch(/^HTTP\/1\.1 \d{3} /);
  expect(plain).toContain(kept);
  expect(comparable(isUnread ? plain.replace(kept, '') : plain)).toBe(
    comparable(isUnread ? node.replace('connection: close\r\n', '') : node),
  );
}

it.each([
  ['a whole answer', post(chat())],
  ['a stream', post(chat({ stream: true, stream_options: { include_usage: true } }))],
  ['a body that is no JSON', post('{')],
  ['no body', post('')],
  ['an unknown model', post(JSON.stringify(chatBody('openai/none')))],
])('%s', (_name, bytes) => expectAlike(bytes, false));

it.each([
  ['a wrong key', post(chat()).replace(SERVICE_KEY, 'wrong')],
  ['a wrong type', post(chat(), 'content-type: text/plain\r\n')],
  ['a compressed body', post(chat(), 'content-encoding: gzip\r\n')],
])('%s', (_name, bytes) => expectAlike(bytes, true));

it('large bodies reach the provider whole, one beside the other, when a first attempt fails too', async () => {
  const [lab] = fronts;
  if (lab === undefined) throw new Error('no lab');
  lab.simulator.reset();
  lab.simulator.setFault({ sequence: ['500', null, '500'] });
  const contents = Array.from({ length: 12 }, (_, at) =>
    String.fromCharCode(97 + at).repeat(150_000),
  );
  const replies = await Promise.all(
    contents.map((content, at) =>
      lab.call('/v1/chat/completions', {
        body: {
          model: 'openai/gpt-4o-mini',
          messages: [{ role: 'user', content }],
          max_tokens: 5,
          stream: at % 2 === 0,
        },
      }),
    ),
  );
  expect(replies.map(({ status }) => status)).toEqual(contents.map(() => 200));
  const sent = lab.simulator.log.map(({ requestBody = '' }) => requestBody);
  expect(sent.length).toBeGreaterThan(contents.length);
  for (const body of sent) {
    const { messages } = JSON.parse(body) as { messages: { content: string }[] };
    expect(contents).toContain(messages[0]?.content);
  }
  expect(await lab.openHolds()).toBe(0);
});
