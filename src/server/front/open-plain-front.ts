import type { Server } from 'node:http';
import type { DataPlane } from '../data-plane.ts';
import type { RequestLimits } from '../http-server.ts';
import { PlainFront } from './plain-front.ts';

/** Puts the plain front before a server, for the routes of the data plane that allow it. */
export function openPlainFront(
  server: Server,
  dataPlane: DataPlane,
  limits: RequestLimits,
): PlainFront {
  return new PlainFront(server, {
    limits,
    routes: dataPlane.plainRoutes,
    identify: () => dataPlane.identify(),
    handle: (exchange, route) => dataPlane.handlePlain(exchange, route),
  });
}
