import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactMessage } from './redact.ts';

describe('redactMessage', () => {
  it.each([
    'sk-proj-4fLk29slQz83mmPq0012',
    'sk-ant-api03-AbCdEf_12-34567890',
    'sk-********************abcd',
    'AIzaSyA1234567890abcdefghijklmnopqrstu',
    'hf_abcdefghijklmnopqrstuvwx1234567',
    'gsk_1234567890abcdefABCDEF',
    'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc_def-123',
    '0123456789abcdef0123456789abcdef',
  ])('takes out %s', (secret) => {
    for (const text of [`Incorrect API key provided: ${secret}. See`, `key="${secret}"`, secret]) {
      expect(redactMessage(text)).not.toContain(secret.slice(0, 12));
    }
  });

  it('takes out labelled values and user info of URLs', () => {
    expect(redactMessage('Authorization: Bearer ab12cd34 refused')).toBe(
      'Authorization: Bearer [redacted] refused',
    );
    expect(redactMessage('{"api_key":"short123"}')).not.toContain('short123');
    expect(redactMessage('at https://me:pass@host/x')).toBe('at https://[redacted]@host/x');
  });

  it.each([
    'The model `claude-sonnet-4-5-20250929` does not exist or you do not have access to it.',
    "This model's maximum context length is 128000 tokens, however you requested 130512 tokens.",
    'Invalid value: messages[0].content[1].image_url must be a string.',
    'Missing required parameter: token budget',
    'request 3f2b1c4d-0000-4000-8000-123456789abc was refused',
  ])('keeps %s', (text) => {
    expect(redactMessage(text)).toBe(text);
  });

  it('F30: forwards no markup, and no control characters', () => {
    expect(redactMessage('  <!DOCTYPE html><title>502')).toBe('');
    expect(redactMessage('one\r\n\ttwo\u0000 three')).toBe('one two three');
  });

  it('is bounded in length and time for any text', () => {
    const text = fc.oneof(
      fc.string({ maxLength: 6000 }),
      fc.constantFrom('key ', 'a', 'sk-', ' ', 'bearer:').map((part) => part.repeat(100_000)),
    );
    fc.assert(
      fc.property(text, (each) => {
        expect(redactMessage(each).length).toBeLessThanOrEqual(500);
      }),
      { numRuns: 300 },
    );
  });
});
