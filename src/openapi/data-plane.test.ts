import { describe, expect, it } from 'vitest';
import type { Gateway } from '../gateway/gateway.ts';
import type { GatewayMetrics } from '../observability/metrics.ts';
import { createRoutes } from '../server/create-routes.ts';
import { DATA_PLANE_ROUTES } from './data-plane.ts';

describe('data plane', () => {
  it('is described route by route as the server answers it', () => {
    // Handlers are not called, so nothing of the gateway is touched.
    const nothing: unknown = Object.freeze({});
    const table = createRoutes(nothing as Gateway, nothing as GatewayMetrics);
    // HEAD goes with its GET.
    const served = table.routes
      .filter(({ method }) => method !== 'HEAD')
      .map(({ method, path }) => `${method} ${path.endsWith('/') ? `${path}{id}` : path}`);
    // What the last part of a path is called is the description's own affair.
    const described = DATA_PLANE_ROUTES.map(
      ({ method, path }) => `${method.toUpperCase()} ${path.replace(/\/\{\w+\}$/, '/{id}')}`,
    );
    expect(described.toSorted()).toEqual(served.toSorted());
  });
});
