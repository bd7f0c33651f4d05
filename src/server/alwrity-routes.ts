/**
 * The compatibility routes.
 *
 * @module
 */
import {
  ALWRITY_PREFIX,
  answerAlerts,
  answerDashboard,
  answerPlans,
  answerPricing,
  answerStatus,
  answerSubscription,
  answerTrends,
  answerUsage,
  answerUsageLogs,
  readPreflight,
} from '../dialects/alwrity/index.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { answerOnce } from '../gateway/idempotent.ts';
import type { Route } from './routes.ts';
import { jsonReply, sendJson } from './self-service.ts';

type Answer = (gateway: Gateway, exchange: Exchange, user: string) => Promise<unknown>;

async function servePreflight(gateway: Gateway, exchange: Exchange): Promise<void> {
  const { customerId, body, answer } = await readPreflight(gateway, exchange);
  await answerOnce(gateway, exchange, {
    ownerId: customerId,
    body,
    run: async () => jsonReply(gateway, exchange, { success: true, data: await answer() }),
  });
}

/** Every route below `/api/subscription/`. */
export function alwrityRoutes(gateway: Gateway): readonly Route[] {
  const get = (path: string, answer: Answer): Route => ({
    method: 'GET',
    path: `${ALWRITY_PREFIX}${path}`,
    isWork: false,
    async handle(exchange, user) {
      const data = await answer(gateway, exchange, user);
      sendJson(gateway, exchange, { success: true, data });
    },
  });
  return [
    get('plans', answerPlans),
    get('pricing', answerPricing),
    get('status/', answerStatus),
    get('user/{user}/subscription', answerSubscription),
    get('usage/{user}/trends', answerTrends),
    get('usage/', answerUsage),
    get('dashboard/', answerDashboard),
    get('alerts/', answerAlerts),
    {
      method: 'POST',
      path: `${ALWRITY_PREFIX}preflight-check`,
      isWork: true,
      handle: (exchange) => servePreflight(gateway, exchange),
    },
    {
      method: 'GET',
      path: `${ALWRITY_PREFIX}usage-logs`,
      isWork: false,
      // The original has no envelope here.
      handle: async (exchange) =>
        sendJson(gateway, exchange, await answerUsageLogs(gateway, exchange)),
    },
  ];
}
