/**
 * The data plane's front: finds the route, guards it, and renders whatever is thrown.
 *
 * @module
 */
import { GatewayError, isGatewayError } from '../contracts/gateway-error.ts';
import { PROBLEM_CONTENT_TYPE } from '../dialects/admin/problem.ts';
import { ALWRITY_PREFIX, renderAlwrityError } from '../dialects/alwrity/errors.ts';
import { openAiError } from '../dialects/openai/errors.ts';
import { errorHeaders, internalError } from '../gateway/error-reply.ts';
import type { Exchange, ExchangeIdentity } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { hopsOf } from '../gateway/request-headers.ts';
import type { NodeExchange } from './node-exchange.ts';
import type { PlainRoute, RouteTable } from './routes.ts';

/** Gateways that may stand in a row before a loop is assumed (F98). */
const HOPS_MAX = 3;
const RETRY_WHEN_BUSY_MS = 1_000;

function pathOf(url: string): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** The error in the dialect of the route. */
function renderError(
  { url, requestId }: Exchange,
  error: GatewayError,
): { readonly contentType: string; readonly body: string } {
  if (url.startsWith(ALWRITY_PREFIX)) {
    return {
      contentType: PROBLEM_CONTENT_TYPE,
      body: renderAlwrityError(error, requestId).body,
    };
  }
  return { contentType: 'application/json', body: JSON.stringify(openAiError(error, requestId)) };
}

/** As many ends of calls wait to be booked as may: no further call is begun. */
export function bookingsFull(): GatewayError {
  return new GatewayError('metering_unavailable', {
    message: 'The metering store does not take what calls have cost; no further call is begun.',
    retryAfterMs: RETRY_WHEN_BUSY_MS,
  });
}

export class DataPlane {
  readonly #gateway: Gateway;
  readonly #routes: RouteTable;
  readonly #maxInFlight: number;

  constructor(gateway: Gateway, routes: RouteTable, maxInFlight: number) {
    this.#gateway = gateway;
    this.#routes = routes;
    this.#maxInFlight = maxInFlight;
  }

  /** Id and clocks of a request that has just come. */
  identify(): ExchangeIdentity {
    const { clock, ids } = this.#gateway;
    return {
      requestId: ids.next('req'),
      startedAtMs: clock.nowMs(),
      startedAtMonotonicMs: clock.monotonicMs(),
    };
  }

  /** What the plain front may serve, by path. */
  get plainRoutes(): ReadonlyMap<string, PlainRoute> {
    return this.#routes.plainRoutes;
  }

  /** Handles one request of `node:http` from its first header to its last byte; never rejects. */
  handle(exchange: NodeExchange): Promise<void> {
    return this.#guard(exchange, () => this.#route(exchange));
  }

  /** The same for one of the plain front, which has found its route. */
  handlePlain(exchange: Exchange, route: PlainRoute): Promise<void> {
    return this.#guard(exchange, () => {
      if (route.isWork) this.#assertAdmits(exchange);
      return route.handle(exchange);
    });
  }

  /** Counts a request while it is served, and renders what is thrown. */
  async #guard(exchange: Exchange, serve: () => Promise<void> | void): Promise<void> {
    const { lifecycle } = this.#gateway;
    lifecycle.inFlight += 1;
    try {
      await serve();
    } catch (error) {
      this.#renderFailure(exchange, error);
    } finally {
      lifecycle.inFlight -= 1;
    }
  }

  #route(exchange: NodeExchange): Promise<void> | void {
    const { method, url } = exchange;
    const match = this.#routes.match(method, pathOf(url));
    if (match.type === 'not_found') {
      throw new GatewayError('not_found', {
        message: `There is no ${method} ${pathOf(url).slice(0, 200)} here. GET /openapi.json lists the routes.`,
      });
    }
    if (match.type === 'method_not_allowed') {
      exchange.addReplyHeader('allow', match.allow);
      throw new GatewayError('method_not_allowed', {
        message: `This path takes ${match.allow}, not ${method}.`,
      });
    }
    if (match.route.isWork) this.#assertAdmits(exchange);
    return match.route.handle(exchange, match.rest);
  }

  #assertAdmits(exchange: Exchange): void {
    const { lifecycle } = this.#gateway;
    if (lifecycle.draining) {
      throw new GatewayError('draining', {
        message: 'The gateway is shutting down.',
        retryAfterMs: RETRY_WHEN_BUSY_MS,
      });
    }
    if (this.#gateway.bookings.isFull) throw bookingsFull();
    if (lifecycle.inFlight > this.#maxInFlight) {
      throw new GatewayError('overloaded', {
        message: `More than ${this.#maxInFlight} calls are in progress.`,
        retryAfterMs: RETRY_WHEN_BUSY_MS,
      });
    }
    if (hopsOf(exchange) >= HOPS_MAX) {
      throw new GatewayError('loop_detected', {
        message:
          'The request has passed through this gateway before: a provider base URL points back at it.',
      });
    }
  }

  #renderFailure(exchange: Exchange, thrown: unknown): void {
    const { recorder, clock } = this.#gateway;
    if (!isGatewayError(thrown)) recorder.fault(thrown, { requestId: exchange.requestId });
    const error = isGatewayError(thrown) ? thrown : internalError();
    const durationMs = clock.monotonicMs() - exchange.startedAtMonotonicMs;
    const call = exchange.failedCall;
    if (call?.isRecorded !== true) {
      recorder.requestRefused({
        requestId: exchange.requestId,
        method: exchange.method,
        route: pathOf(exchange.url).slice(0, 200),
        error,
        durationMs,
      });
    }
    if (exchange.headSent) {
      // The only streams of this plane are in OpenAI's framing; others bring their own frame with them.
      exchange.finishBroken(
        Buffer.from(`data: ${JSON.stringify(openAiError(error, exchange.requestId))}\n\n`),
      );
      return;
    }
    const { contentType, body } = renderError(exchange, error);
    const facts = { requestId: exchange.requestId, durationMs, call, contentType };
    exchange.send(error.status, errorHeaders(error, facts), body);
  }
}
