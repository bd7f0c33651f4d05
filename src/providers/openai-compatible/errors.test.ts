import { describe, expect, test } from 'vitest';
import type { ProviderFailureKind } from '../../contracts/provider-failure.ts';
import { inBandFailure, isInBandError, readChatError } from './errors.ts';

function read(status: number, body: unknown, headers: Record<string, string> = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return readChatError({ status, headers, body: Buffer.from(text) });
}

describe('refusals', () => {
  test.each<[string, number, unknown, ProviderFailureKind]>([
    [
      'xAI: bad key is 400',
      400,
      { code: 'invalid-argument', error: 'Incorrect API key provided.' },
      'auth',
    ],
    [
      'xAI: team without money is 403',
      403,
      {
        code: 'The caller does not have permission',
        error: "Your team doesn't have any credits yet.",
      },
      'credit',
    ],
    [
      'DeepSeek: unknown model is 400',
      400,
      {
        error: {
          message: 'Model Not Exist',
          type: 'invalid_request_error',
          code: 'invalid_request_error',
        },
      },
      'model_not_found',
    ],
    [
      'Mistral: message is an object',
      422,
      {
        object: 'error',
        message: {
          detail: [
            {
              type: 'extra_forbidden',
              loc: ['body', 'user'],
              msg: 'Extra inputs are not permitted',
            },
          ],
        },
        type: 'invalid_request_error',
        param: null,
        code: null,
      },
      'invalid_request',
    ],
    [
      'Groq: more than a minute of tokens is 413',
      413,
      { error: { message: 'Request too large', type: 'tokens', code: 'rate_limit_exceeded' } },
      'context_length',
    ],
    [
      'Groq: flex capacity is 498',
      498,
      { error: { message: 'Flex', code: 'capacity_exceeded' } },
      'overloaded',
    ],
    [
      'vLLM: context length in words only',
      400,
      {
        object: 'error',
        message: "This model's maximum context length is 4096 tokens.",
        type: 'BadRequestError',
        code: 400,
      },
      'context_length',
    ],
    [
      'llama.cpp',
      400,
      { error: { code: 400, message: 'too big', type: 'exceed_context_size_error' } },
      'context_length',
    ],
    [
      'a telling code wins over words',
      400,
      { error: { message: 'maximum context length', code: 'invalid_image_format' } },
      'invalid_request',
    ],
    [
      'Azure: filter',
      400,
      {
        error: {
          code: 'content_filter',
          innererror: { code: 'ResponsibleAIPolicyViolation' },
          status: 400,
        },
      },
      'content_filtered',
    ],
    ['Alibaba: inspection', 400, { error: { code: 'data_inspection_failed' } }, 'content_filtered'],
    [
      'DeepSeek: balance',
      402,
      { error: { message: 'Insufficient Balance', code: 'invalid_request_error' } },
      'credit',
    ],
    ['a list', 500, [{ error: { message: 'x' } }], 'server_error'],
    ['a list of texts', 400, { error: ['`inputs` is required', 'and more'] }, 'invalid_request'],
  ])('%s', (_name, status, body, kind) => {
    expect(read(status, body)).toMatchObject({ kind, status });
  });

  test('names field and code', () => {
    expect(
      read(400, {
        error: {
          message: 'No.',
          type: 'invalid_request_error',
          code: 'unsupported_parameter',
          param: 'max_tokens',
        },
      }),
    ).toEqual({
      kind: 'invalid_request',
      status: 400,
      message: 'No.',
      providerCode: 'unsupported_parameter',
      param: 'max_tokens',
      waitMs: null,
      usage: null,
    });
    expect(
      read(422, { detail: [{ loc: ['body', 'messages'], msg: 'Field required' }] }),
    ).toMatchObject({
      message: 'messages: Field required',
      param: 'messages',
    });
  });

  test.each([
    '<!DOCTYPE html><html><head><title>502</title></head></html>',
    '  <html>\n<body>gateway</body></html>',
    '<center><h1>502 Bad Gateway</h1></center>',
    JSON.stringify({ error: { message: '<html><body>inner</body></html>' } }),
    '',
    '\u0000\u0007',
  ])('no markup and no emptiness in messages: %j', (body) => {
    expect(read(502, body).message).toBe('The provider answered with status 502 and no message.');
  });

  test('messages are one line of bounded length', () => {
    const { message } = read(400, { error: { message: `a\r\nb\t${'c'.repeat(5000)}` } });
    expect(message.startsWith('a b c')).toBe(true);
    expect(message.length).toBe(1000);
  });

  test("a router repeats its upstream's sentence", () => {
    const raw = JSON.stringify({ error: { message: 'Country not supported' } });
    expect(
      read(403, { error: { message: 'Provider returned error', code: 403, metadata: { raw } } })
        .message,
    ).toBe('Provider returned error: Country not supported');
  });

  test('deep nesting is no way to crash', () => {
    for (const member of ['message', 'detail', 'error']) {
      const body = `${`{"${member}":[`.repeat(500)}1${']}'.repeat(500)}`;
      expect(read(500, body).kind).toBe('server_error');
    }
  });

  test.each<[string, Record<string, string>, string, number | null]>([
    ['header', { 'retry-after': '2' }, 'Try again in 9s', 2000],
    ['OpenAI sentence', {}, 'Please try again in 1.5s. Visit us.', 1500],
    ['minutes', {}, 'Please try again in 6m0s.', 360_000],
    ['milliseconds', {}, 'Please try again in 212ms.', 212],
    ['words', {}, 'Please retry after 20 seconds.', 20_000],
    ['no sentence', {}, 'Too many requests', null],
    ['nonsense', {}, 'try again in 5 bananas', null],
  ])('wait by %s', (_name, headers, message, waitMs) => {
    const failure = read(429, { error: { message, code: 'rate_limit_exceeded' } }, headers);
    expect(failure.waitMs).toBe(waitMs);
  });

  test('no wait mends a refusal', () => {
    expect(read(401, { error: { message: 'No' } }, { 'retry-after': '2' }).waitMs).toBeNull();
  });
});

describe('errors inside answers', () => {
  test.each<[object, boolean]>([
    [{ choices: [] }, false],
    [{ choices: [], error: null }, false],
    [{ choices: [{ error: null }], message: 'x' }, false],
    [{ type: 'ping' }, false],
    [{ error: 'x' }, true],
    [{ x_groq: { error: 'over capacity' } }, true],
    [{ object: 'error' }, true],
    [{ detail: 'x' }, true],
  ])('%j', (frame, expected) => {
    expect(isInBandError(frame as Record<string, unknown>)).toBe(expected);
  });

  test('usage beside the error is kept', () => {
    const failure = inBandFailure({
      choices: [{ finish_reason: 'error' }],
      error: { code: 502, message: 'Upstream died' },
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    });
    expect(failure).toMatchObject({
      kind: 'server_error',
      status: 502,
      usage: { input_text_tokens: 5, output_text_tokens: 2 },
    });
  });
});
