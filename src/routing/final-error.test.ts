import { describe, expect, it } from 'vitest';
import {
  providerFailure,
  type ProviderFailure,
  type ProviderFailureKind,
} from '../contracts/provider-failure.ts';
import { classOf, type AttemptFailure, type TransportFacts } from './failure-class.ts';
import { finalError, unavailableError, type FailedAttempt } from './final-error.ts';

function attempt(place: number, failure: AttemptFailure, contentSent = false): FailedAttempt {
  return {
    candidate: place,
    provider: `provider${place}`,
    failure,
    failureClass: classOf(failure, { work: 'text', contentSent }),
  };
}

function provider(
  kind: ProviderFailureKind,
  status: number,
  more: Partial<ProviderFailure> = {},
): AttemptFailure {
  return {
    source: 'provider',
    failure: providerFailure({ kind, status, message: 'what they said', ...more }),
  };
}

function transport(kind: TransportFacts['kind'], code = 'X'): AttemptFailure {
  return { source: 'transport', failure: { kind, code, replyStarted: false } };
}

const limited = (waitMs: number | null) => provider('rate_limited', 429, { waitMs });

describe('P2.5: which error', () => {
  it('F32: all rate limited: 503 with the shortest wait', () => {
    const error = finalError([attempt(0, limited(9000)), attempt(1, limited(7000))]);
    expect(error).toMatchObject({
      code: 'provider_rate_limited',
      status: 503,
      retryAfterMs: 7000,
      shouldRetry: true,
    });
    expect(error.message).toMatch(
      /provider0, provider1 .* not a limit of your plan; repeat in 7 s/,
    );
  });

  it('C2: a wait beyond a minute is told but not to be followed', () => {
    expect(finalError([attempt(0, limited(60_000))]).shouldRetry).toBe(true);
    expect(finalError([attempt(0, limited(60_001))])).toMatchObject({
      shouldRetry: false,
      retryAfterMs: 60_001,
    });
    expect(finalError([attempt(0, limited(1e15))]).retryAfterMs).toBe(3_600_000);
    expect(finalError([attempt(0, limited(null))]).retryAfterMs).toBe(1000);
  });

  it('F12 F4: all timed out: 504', () => {
    const timeouts = [
      attempt(0, transport('timeout', 'FIRST_EVENT')),
      attempt(1, transport('not_sent', 'CONNECT_TIMEOUT')),
    ];
    expect(finalError(timeouts)).toMatchObject({
      code: 'provider_timeout',
      status: 504,
      shouldRetry: false,
    });
    expect(finalError(timeouts.slice(1)).shouldRetry).toBe(true);
  });

  it('a mixture: 502', () => {
    const mixture = [attempt(0, limited(5000)), attempt(1, transport('timeout'))];
    expect(finalError(mixture)).toMatchObject({ code: 'provider_error', status: 502 });
  });

  it('judges each candidate by its last failure', () => {
    const recovered = [attempt(0, provider('server_error', 500)), attempt(0, limited(2000))];
    expect(finalError(recovered).code).toBe('provider_rate_limited');
  });

  it.each([
    ['F37', provider('auth', 401), 'provider_auth'],
    ['F33', provider('credit', 402), 'provider_credit'],
  ])('%s: our credential: 502, final, and the caller is not blamed', (_id, failure, code) => {
    const error = finalError([attempt(0, failure)]);
    expect(error).toMatchObject({ code, status: 502, shouldRetry: false });
    expect(error.message).toMatch(/not at fault/);
    expect(error.message).not.toContain('what they said');
  });

  it('F34: overload keeps the provider’s wait and is marked for Anthropic’s dialect', () => {
    const error = finalError([attempt(0, provider('overloaded', 529, { waitMs: 12_000 }))]);
    expect(error).toMatchObject({ code: 'provider_error', overloaded: true, retryAfterMs: 12_000 });
  });

  it('B8: after content: stream_interrupted', () => {
    const error = finalError([attempt(0, provider('broken_stream', 200), true)]);
    expect(error.code).toBe('stream_interrupted');
    expect(error.message).toMatch(/not the whole answer/);
  });

  it('C4: repeating is advised only when every attempt was not sent or refused', () => {
    const refused = attempt(0, provider('server_error', 500));
    const notSent = attempt(1, transport('not_sent', 'ECONNREFUSED'));
    const ambiguous = attempt(1, transport('reset', 'ECONNRESET'));
    expect(finalError([refused, notSent]).shouldRetry).toBe(true);
    const risky = finalError([refused, ambiguous]);
    expect(risky.shouldRetry).toBe(false);
    expect(risky.message).toMatch(/Idempotency-Key/);
    const gatewayTimeout = attempt(0, provider('server_error', 504));
    expect(finalError([gatewayTimeout]).shouldRetry).toBe(false);
  });

  it('F38 F15: reasons of attempts stay out of the body of a provider error', () => {
    const html = provider('server_error', 502, { message: '<html>Bad gateway' });
    const error = finalError([attempt(0, html), attempt(1, provider('server_error', 500))]);
    expect(error.message).toBe(
      'provider1 failed to answer after 2 attempts. Repeat the request, or use another model.',
    );
  });

  it('F98: a loop: 508, final, and the operator is named', () => {
    const error = finalError([attempt(0, provider('server_error', 508))]);
    expect(error).toMatchObject({ code: 'loop_detected', status: 508, shouldRetry: false });
    expect(error.message).toMatch(/provider0 .* operator/);
    const elsewhere = [attempt(0, provider('server_error', 508)), attempt(1, limited(1000))];
    expect(finalError(elsewhere).code).toBe('provider_error');
  });

  it('never fails on an empty list', () => {
    expect(finalError([]).code).toBe('internal_error');
  });
});

describe('refusals of the request', () => {
  it.each([
    ['content_filtered', 400, 'content_filtered', 422],
    ['context_length', 400, 'context_length_exceeded', 400],
    ['model_not_found', 404, 'model_not_found', 404],
    ['invalid_request', 400, 'invalid_request', 400],
    ['invalid_request', 422, 'invalid_request', 422],
    ['invalid_request', 403, 'invalid_request', 400],
    ['invalid_request', 413, 'payload_too_large', 413],
  ] as const)('%s %d -> %s %d', (kind, status, code, shown) => {
    const error = finalError([attempt(0, provider(kind, status, { param: 'messages[0]' }))]);
    expect(error).toMatchObject({ code, status: shown, shouldRetry: false, param: 'messages[0]' });
    expect(error.message).toContain('what they said');
  });

  it('show the provider’s sentence without anything key-like', () => {
    const message = 'Bad key sk-proj-abcDEF123456789 in request';
    const error = finalError([attempt(0, provider('invalid_request', 400, { message }))]);
    expect(error.message).toBe(
      'provider0 refused the request: Bad key [redacted] in request Correct the request before repeating it.',
    );
  });
});

describe('P6 P7: nothing may be tried', () => {
  const cooled = (untilMs: number) => ({ type: 'cooled', provider: 'a', untilMs }) as const;
  const open = (probeAtMs: number) => ({ type: 'open', provider: 'b', probeAtMs }) as const;
  const out = (reason: 'auth' | 'credit') =>
    ({ type: 'quarantined', provider: 'c', reason }) as const;

  it('all cooled: 503 with the shortest rest', () => {
    expect(unavailableError([cooled(9000), cooled(5000)], 1000)).toMatchObject({
      code: 'provider_rate_limited',
      retryAfterMs: 4000,
    });
  });

  it('all open: 502 with the earliest probe, safe to repeat since nothing was sent', () => {
    const error = unavailableError([open(9000), cooled(8000)], 1000);
    expect(error).toMatchObject({ code: 'provider_error', retryAfterMs: 7000, shouldRetry: true });
  });

  it('all quarantined: 502 for the operator', () => {
    expect(unavailableError([out('credit')], 0).code).toBe('provider_credit');
    expect(unavailableError([out('credit'), out('auth')], 0).code).toBe('provider_auth');
  });
});
