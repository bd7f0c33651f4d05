/**
 * Parts of error replies that several families share.
 *
 * @module
 */
import type { RetryWait } from './fault.ts';
import type { BodyReply } from './reply.ts';

/** Waits as HTTP headers. */
export function waitHeaders(wait: RetryWait, nowMs: number): Record<string, string> {
  switch (wait.form) {
    case 'none':
      return {};
    case 'seconds':
      return { 'retry-after': String(wait.seconds) };
    case 'milliseconds':
      return { 'retry-after-ms': String(wait.ms) };
    case 'date':
      return { 'retry-after': new Date(nowMs + wait.seconds * 1000).toUTCString() };
    case 'reset':
      return {
        'x-ratelimit-remaining-requests': '0',
        'x-ratelimit-reset-requests': wait.duration,
        'x-ratelimit-reset-tokens': '0s',
      };
    case 'retry_info':
      return { 'retry-after-ms': String(Math.round(Number.parseFloat(wait.delay) * 1000)) };
    case 'raw':
      return { 'retry-after': wait.text };
  }
}

/** A page as a content delivery network sends it in place of the API's answer. */
export function htmlReply(status: number, headers: Readonly<Record<string, string>>): BodyReply {
  const body = `<!DOCTYPE html>\n<html><head><title>${String(status)} Bad Gateway</title></head><body><center><h1>${String(status)} Bad Gateway</h1></center><hr><center>cloudflare</center></body></html>\n`;
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'text/html; charset=UTF-8', ...headers },
    body,
    usage: null,
  };
}
