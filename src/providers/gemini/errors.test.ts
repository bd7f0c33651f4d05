import { describe, expect, it } from 'vitest';
import { readError } from './errors.ts';

function read(status: number, error: unknown, headers: Record<string, string> = {}) {
  return readError({ status, headers, body: Buffer.from(JSON.stringify({ error })) });
}
const rpc = (type: string, members: object) => ({
  '@type': `type.googleapis.com/google.rpc.${type}`,
  ...members,
});
const exhausted = (...details: object[]) => ({
  code: 429,
  status: 'RESOURCE_EXHAUSTED',
  message: 'quota',
  details,
});
const quota = (violation: object) => rpc('QuotaFailure', { violations: [violation] });

describe('kind', () => {
  it.each<[string, number, object, string]>([
    [
      'per-minute quota',
      429,
      exhausted(quota({ quotaId: 'RequestsPerMinutePerModel-FreeTier' })),
      'rate_limited',
    ],
    [
      'per-day quota',
      429,
      exhausted(quota({ quotaId: 'GenerateRequestsPerDayPerProjectPerModel' })),
      'quota_exhausted',
    ],
    [
      'a quota of zero',
      429,
      exhausted(quota({ quotaId: 'TokensPerMinute', quotaValue: '0' })),
      'quota_exhausted',
    ],
    [
      'spent credits',
      429,
      { ...exhausted(), message: 'Your prepayment credits are depleted.' },
      'credit',
    ],
    [
      'bad key',
      400,
      {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'x',
        details: [rpc('ErrorInfo', { reason: 'API_KEY_INVALID' })],
      },
      'auth',
    ],
    [
      'bad key without detail',
      400,
      {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'API key not valid. Please pass a valid API key.',
      },
      'auth',
    ],
    [
      'billing off',
      403,
      {
        code: 403,
        status: 'PERMISSION_DENIED',
        message: 'x',
        details: [rpc('ErrorInfo', { reason: 'BILLING_DISABLED' })],
      },
      'credit',
    ],
    [
      'billing precondition',
      400,
      {
        code: 400,
        status: 'FAILED_PRECONDITION',
        message: 'x',
        details: [rpc('PreconditionFailure', { violations: [{ type: 'BILLING' }] })],
      },
      'credit',
    ],
    [
      'region',
      400,
      {
        code: 400,
        status: 'FAILED_PRECONDITION',
        message: 'User location is not supported for the API use.',
      },
      'auth',
    ],
    [
      'unready file',
      400,
      {
        code: 400,
        status: 'FAILED_PRECONDITION',
        message: 'The File x is not in an ACTIVE state.',
      },
      'invalid_request',
    ],
    [
      'prompt too long',
      400,
      {
        code: 400,
        status: 'INVALID_ARGUMENT',
        message: 'The input token count (9) exceeds the maximum number of tokens allowed (8).',
      },
      'context_length',
    ],
    ['bad field', 400, { code: 400, status: 'INVALID_ARGUMENT', message: 'x' }, 'invalid_request'],
    ['no such model', 404, { code: 404, status: 'NOT_FOUND', message: 'x' }, 'model_not_found'],
    ['overload', 503, { code: 503, status: 'UNAVAILABLE', message: 'x' }, 'overloaded'],
    ['fault', 500, { code: 500, status: 'INTERNAL', message: 'x' }, 'server_error'],
    ['deadline', 504, { code: 504, status: 'DEADLINE_EXCEEDED', message: 'x' }, 'server_error'],
    ['cancelled', 499, { code: 499, status: 'CANCELLED', message: 'x' }, 'server_error'],
    ['too large', 413, { message: 'x' }, 'invalid_request'],
    ['529', 529, { message: 'x' }, 'overloaded'],
    ['402', 402, { message: 'x' }, 'credit'],
  ])('%s', (_name, status, error, kind) => {
    expect(read(status, error)).toMatchObject({ kind, status });
  });
});

describe('wait', () => {
  const retry = (retryDelay: unknown) => exhausted(rpc('RetryInfo', { retryDelay }));
  it.each<[unknown, number | null]>([
    [retry('34.4s'), 34_400],
    [retry('48s'), 48_000],
    [retry('-3s'), null],
    [retry('99999999999s'), 3_600_000],
    [retry('soon'), null],
    [retry(5), null],
    [{ ...exhausted(), message: 'Please retry in 48.939935699s.' }, 48_940],
  ])('of %j', (error, waitMs) => {
    expect(read(429, error).waitMs).toBe(waitMs);
  });

  it('is the typed detail before the header before the sentence', () => {
    const error = { ...retry('2s'), message: 'Please retry in 9s.' };
    expect(read(429, error, { 'retry-after': '5' }).waitMs).toBe(2000);
    expect(read(429, { ...error, details: [] }, { 'retry-after': '5' }).waitMs).toBe(5000);
    expect(read(429, { ...error, details: [] }).waitMs).toBe(9000);
  });
});

describe('shape', () => {
  it('names code and field', () => {
    const details = [
      rpc('BadRequest', { fieldViolations: [{ field: 'generation_config.top_k' }] }),
    ];
    expect(
      read(400, { code: 400, status: 'INVALID_ARGUMENT', message: 'm', details }),
    ).toMatchObject({
      providerCode: 'INVALID_ARGUMENT',
      param: 'generation_config.top_k',
      message: 'm',
    });
  });

  it('reads the array of the streaming method', () => {
    const body = Buffer.from(JSON.stringify([{ error: exhausted() }]));
    expect(readError({ status: 429, headers: {}, body })).toMatchObject({ kind: 'rate_limited' });
  });

  it.each(['<html>secret</html>', '', '[]', 'null', '{"error":null}', '{"error":7}'])(
    'survives %j',
    (text) => {
      const failure = readError({ status: 502, headers: {}, body: Buffer.from(text) });
      expect(failure).toMatchObject({ kind: 'server_error', status: 502, providerCode: null });
      expect(failure.message).not.toContain('secret');
    },
  );

  it('caps the sentence', () => {
    expect(read(500, { message: 'x'.repeat(5000) }).message).toHaveLength(1000);
  });
});
