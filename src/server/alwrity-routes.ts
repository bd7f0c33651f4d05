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
  answerPreflight,
  answerPricing,
  answerStatus,
  answerSubscription,
  answerTrends,
  answerUsage,
  answerUsageLogs,
} from '../dialects/alwrity/index.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { Route } from './routes.ts';
import { sendJson } from './self-service.ts';

type Answer = (gateway: Gateway, exchange: Exchange, user: string) => Promise<unknown>;

/** Every route below `/api/subscription/`. */
export function alwrityRoutes(gateway: Gateway): readonly Route[] {
  const route = (method: Route['method'], path: string, answer: Answer): Route => ({
    method,
    path: `${ALWRITY_PREFIX}${path}`,
    isWork: method === 'POST',
    async handle(exchange, user) {
      const data = await answer(gateway, exchange, user);
      sendJson(gateway, exchange, { success: true, data });
    },
  });
  return [
    route('GET', 'plans', answerPlans),
    route('GET', 'pricing', answerPricing),
    route('GET', 'status/', answerStatus),
    route('GET', 'user/{user}/subscription', answerSubscription),
    route('GET', 'usage/{user}/trends', answerTrends),
    route('GET', 'usage/', answerUsage),
    route('GET', 'dashboard/', answerDashboard),
    route('GET', 'alerts/', answerAlerts),
    route('POST', 'preflight-check', answerPreflight),
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
