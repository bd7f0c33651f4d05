import { describe, expect, it } from 'vitest';
import { problemOf } from '../../bench/probe.ts';
import {
  chatBody,
  plainAnswerBytes,
  requestBytes,
  SCENARIOS,
  STREAM_CHUNKS,
  streamAnswerParts,
  USAGE,
} from '../../bench/workload.ts';

describe('requests', () => {
  it.each(Object.values(SCENARIOS))('$title has exactly the stated size', (scenario) => {
    for (const model of ['gpt-4o-mini', 'openai/gpt-4o-mini']) {
      const body = chatBody(scenario, model);
      expect(body.length).toBe(scenario.bodyBytes);
      expect(JSON.parse(body.toString())).toMatchObject({ model, max_tokens: 256 });
    }
  });

  it('announce the length of the body they carry', () => {
    const bytes = requestBytes(SCENARIOS.small, {
      origin: 'http://127.0.0.1:4000',
      model: 'm',
      headers: { authorization: 'Bearer k' },
    }).toString();
    const [head = '', body = ''] = bytes.split('\r\n\r\n');
    expect(head).toContain(`Content-Length: ${body.length}`);
    expect(head).toContain('Host: 127.0.0.1:4000');
    expect(head).toContain('authorization: Bearer k');
  });
});

describe('answers', () => {
  const streamText = (): string =>
    streamAnswerParts()
      .slice(1, -1)
      .map((part) => part.toString().split('\r\n')[1] ?? '')
      .join('');

  it('the plain one is a chat completion of about 1 kB with usage', () => {
    const [head = '', body = ''] = plainAnswerBytes().toString().split('\r\n\r\n');
    expect(head).toContain(`content-length: ${body.length}`);
    expect(body.length).toBeGreaterThan(900);
    expect(body.length).toBeLessThan(1200);
    expect(JSON.parse(body)).toMatchObject({ object: 'chat.completion', usage: USAGE });
    expect(problemOf(SCENARIOS.small, 200, body)).toBeNull();
  });

  it('the streamed one has its content chunks of about 200 bytes, finish, usage and [DONE]', () => {
    const events = streamText().split('\n\n').slice(0, -1);
    expect(events).toHaveLength(STREAM_CHUNKS + 3);
    expect(events[0]?.length).toBeGreaterThan(180);
    expect(events[0]?.length).toBeLessThan(240);
    expect(events[STREAM_CHUNKS]).toContain('"finish_reason":"stop"');
    expect(events[STREAM_CHUNKS + 1]).toContain(`"total_tokens":${USAGE.total_tokens}`);
    expect(events.at(-1)).toBe('data: [DONE]');
  });

  it('the probe notices a dropped chunk, missing usage, a missing end and a refusal', () => {
    const whole = streamText();
    const { stream } = SCENARIOS;
    expect(problemOf(stream, 200, whole)).toBeNull();
    expect(problemOf(stream, 200, whole.replace('"content":" word"', ''))).toContain('49 of 50');
    expect(problemOf(stream, 200, whole.replace('[DONE]', ''))).toContain('[DONE]');
    expect(problemOf(stream, 200, whole.replace('"total_tokens"', '"x"'))).toContain('usage');
    expect(problemOf(stream, 429, whole)).toContain('429');
  });
});
