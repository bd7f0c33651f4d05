/**
 * OpenAPI documents of the data plane.
 *
 * @module
 */
import { VERSION } from '../version.ts';
import { REPLY_HEADERS } from './data-plane-headers.ts';
import { openAiErrorSchema } from './data-plane-shapes.ts';
import { DATA_PLANE_ROUTES } from './data-plane.ts';
import { buildOpenApiDocument, type OpenApiDocument } from './document.ts';
import type { RouteDescription } from './route-description.ts';

export { DATA_PLANE_ROUTES } from './data-plane.ts';
export { buildOpenApiDocument, type OpenApiDocument } from './document.ts';
export type { RouteBody, RouteDescription, RouteMethod, RouteReply } from './route-description.ts';

/** The document that `/openapi.json` serves and `openapi/gateway.json` holds. */
export function dataPlaneOpenApi(
  routes: readonly RouteDescription[] = DATA_PLANE_ROUTES,
): OpenApiDocument {
  return buildOpenApiDocument({
    title: 'ALwrity LLM Gateway: data plane',
    version: VERSION,
    description:
      'One API and one bill for every model. Each call is checked against the plan of its customer before a provider is asked, and booked before its last byte is sent.',
    routes,
    errors: {
      contentType: 'application/json',
      schema: openAiErrorSchema,
      common: ['invalid_api_key', 'forbidden', 'internal_error'],
    },
    replyHeaders: REPLY_HEADERS,
  });
}
