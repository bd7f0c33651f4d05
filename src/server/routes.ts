/**
 * The data plane's route table: exact paths first, then the few patterns. Small on purpose; a framework costs
 * more per request than the gateway itself.
 *
 * @module
 */
import type { Exchange } from '../gateway/exchange.ts';
import type { NodeExchange } from './node-exchange.ts';

/** What a route needs to be guarded and rendered. */
interface RouteFacts {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'DELETE';
  /** Exact path, a prefix ending in `/` whose rest is the parameter, or one with `{name}` for a segment in its middle. */
  readonly path: string;
  /** Whether new work is refused while draining. */
  readonly isWork: boolean;
}

/** A route that is served by `node:http`. */
export interface NodeRoute extends RouteFacts {
  readonly isPlain?: false;
  /** @param rest what follows a prefix path or fills the segment, percent-decoded once; empty for exact paths */
  readonly handle: (exchange: NodeExchange, rest: string) => Promise<void> | void;
}

/** A POST to an exact path that whoever reads the connection may serve: the plain front, or `node:http`. */
export interface PlainRoute extends RouteFacts {
  readonly method: 'POST';
  readonly isPlain: true;
  readonly handle: (exchange: Exchange) => Promise<void> | void;
}

export type Route = NodeRoute | PlainRoute;

export type RouteMatch =
  | { readonly type: 'route'; readonly route: Route; readonly rest: string }
  | { readonly type: 'method_not_allowed'; readonly allow: string }
  | { readonly type: 'not_found' };

export class RouteTable {
  readonly #exact = new Map<string, Route>();
  readonly #routes: readonly Route[];

  constructor(routes: readonly Route[]) {
    this.#routes = routes;
    for (const route of routes)
      if (!route.path.endsWith('/')) this.#exact.set(`${route.method} ${route.path}`, route);
  }

  get routes(): readonly Route[] {
    return this.#routes;
  }

  /** What the plain front may serve, by path. */
  get plainRoutes(): ReadonlyMap<string, PlainRoute> {
    return new Map(
      this.#routes.flatMap((one): [string, PlainRoute][] =>
        one.isPlain === true ? [[one.path, one]] : [],
      ),
    );
  }

  match(method: string, path: string): RouteMatch {
    const exact =
      this.#exact.get(`${method} ${path}`) ??
      // Whoever watches a server asks so (RFC 9110 §9.3.2); Node sends no body in answer to it.
      (method === 'HEAD' ? this.#exact.get(`GET ${path}`) : undefined);
    if (exact !== undefined) return { type: 'route', route: exact, rest: '' };
    const allowed = new Set<string>();
    for (const route of this.#routes) {
      const found = parameterOf(route.path, path);
      if (found === null) continue;
      allowed.add(route.method);
      if (route.method === method) {
        const rest = decodeRest(found);
        return rest === null ? { type: 'not_found' } : { type: 'route', route, rest };
      }
    }
    if (allowed.size === 0) return { type: 'not_found' };
    return { type: 'method_not_allowed', allow: [...allowed].join(', ') };
  }
}

/** What the parameter of a route is in a path, still encoded; null when the path is none of the route's. */
function parameterOf(pattern: string, path: string): string | null {
  if (pattern.endsWith('/')) {
    return path.startsWith(pattern) && path.length > pattern.length
      ? path.slice(pattern.length)
      : null;
  }
  const open = pattern.indexOf('{');
  if (open < 0) return path === pattern ? '' : null;
  const start = pattern.slice(0, open);
  const end = pattern.slice(pattern.indexOf('}') + 1);
  if (!path.startsWith(start) || !path.endsWith(end)) return null;
  const segment = path.slice(start.length, path.length - end.length);
  return segment === '' || segment.includes('/') ? null : segment;
}

function decodeRest(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
