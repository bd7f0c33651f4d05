/**
 * Mounts the control plane: authenticates the admin key before anything else happens, then hands over.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { GatewayError, isGatewayError } from '../contracts/gateway-error.ts';
import type { createAdminApp } from '../dialects/admin/index.ts';
import { renderProblem } from '../dialects/admin/problem.ts';
import { authenticateKey } from '../gateway/caller.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { tellToGoOn } from './tell-to-go-on.ts';

export type NodeListener = (request: IncomingMessage, response: ServerResponse) => void;

function refuse(response: ServerResponse, error: GatewayError, requestId: string): void {
  const { status, headers, body } = renderProblem(error, { requestId });
  response.writeHead(status, headers);
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}

/** A listener for everything below `/admin/`. */
export function adminListener(
  gateway: Gateway,
  app: ReturnType<typeof createAdminApp>,
): NodeListener {
  return (request, response) => {
    const requestId = gateway.ids.next('req');
    try {
      const header = (name: string): string | null => {
        const value = request.headers[name];
        return value === undefined ? null : String(value);
      };
      const key = authenticateKey(gateway.directory, { header }, gateway.clock.nowMs());
      if (key.type !== 'admin') {
        throw new GatewayError('forbidden', {
          message: 'The control plane takes admin keys only.',
        });
      }
      tellToGoOn(response);
      const listener = getRequestListener((incoming) =>
        app.fetch(incoming, { requestId, caller: { keyId: key.id } }),
      );
      void listener(request, response);
    } catch (error) {
      const known = isGatewayError(error)
        ? error
        : new GatewayError('internal_error', {
            message: 'The gateway failed in a way it should not.',
          });
      if (!isGatewayError(error)) gateway.recorder.fault(error, { requestId });
      refuse(response, known, requestId);
    }
  };
}
