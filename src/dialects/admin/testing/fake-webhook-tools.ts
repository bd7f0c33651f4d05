/**
 * The process's side of webhooks, for tests that send nothing.
 *
 * @module
 */
import type { WebhookRecord } from '../../../metering/alerts-port.ts';
import type { WebhookTools } from '../dependencies.ts';

/** Secrets by number, public-looking URLs, receivers that always take it. */
export function fakeWebhookTools(): WebhookTools {
  let made = 0;
  return {
    newSecret() {
      made += 1;
      return { secret: `whsec_${made}`, sealed: `sealed ${made}` };
    },
    urlProblem: (url) => (url.startsWith('https://') ? null : 'must be https'),
    test: async ({ url }: WebhookRecord) => ({
      outcome: 'delivered',
      eventId: 'evt_test',
      status: 200,
      error: null,
      reply: `taken by ${url}`,
      durationMs: 3,
    }),
  };
}
