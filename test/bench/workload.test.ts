import { describe, expect, it } from 'vitest';
import { problemOf } from '../../bench/probe.ts';
import {
  chatBody,
  plainAnswerBytes,
  requestBytes,
  SCENARIOS,
  streamAnswerParts,
  streamOf,
  USAGE,
} from '../../bench/workload.ts';

describe('requests', () => {
  it.each(Object.values(SCENARIOS))('$title has exactly the stated size', (scenario) => {
    for (const model of ['gpt-4o-mini', 'openai/gpt-4o-mini']) {
      const body = chatBody(scenario, model);
      expect(body.length).toBe(scenario.bodyBytes);
      expect(JSON.parse(body.toString())).toMatchObject({
        model,
        max_tokens: scenario.maxTokens,
      });
    }
  });

  it.each(Object.values(SCENARIOS))('$title is told by its body', (scenario) => {
    const body = chatBody(scenario, 'gpt-4o-mini').toString();
    expect(scenario.chunks > 0).toBe(scenario.stream);
    expect(streamOf(body)).toBe(scenario.stream ? scenario : null);
    const renamed = body.replace('"max_tokens":', '"max_completion_tokens": ');
    expect(streamOf(renamed)).toBe(scenario.stream ? scenario : null);
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
  const streamText = (chunks: number): string =>
    streamAnswerParts(chunks)
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

  it.each([SCENARIOS.stream, SCENARIOS.long])(
    '$title: of about 200 bytes, then finish, usage and [DONE]',
    ({ chunks }) => {
      const events = streamText(chunks).split('\n\n').slice(0, -1);
      expect(events).toHaveLength(chunks + 3);
      expect(events[0]?.length).toBeGreaterThan(180);
      expect(events[0]?.length).toBeLessThan(240);
      expect(events[chunks]).toContain('"finish_reason":"stop"');
      expect(events[chunks + 1]).toContain(`"total_tokens":${USAGE.total_tokens}`);
      expect(events.at(-1)).toBe('data: [DONE]');
    },
  );

  it('the probe notices a dropped chunk, missing usage, a missing end and a refusal', () => {
    const { stream, long } = SCENARIOS;
    const whole = streamText(stream.chunks);
    expect(problemOf(long, 200, streamText(long.chunks))).toBeNull();
    expect(problemOf(long, 200, whole)).toContain('50 of 500');
    expect(problemOf(stream, 200, whole)).toBeNull();
    expect(problemOf(stream, 200, whole.replace('"content":" word"', ''))).toContain('49 of 50');
    expect(problemOf(stream, 200, whole.replace('[DONE]', ''))).toContain('[DONE]');
    expect(problemOf(stream, 200, whole.replace('"total_tokens"', '"x"'))).toContain('usage');
    expect(problemOf(stream, 429, whole)).toContain('429');
  });
});
