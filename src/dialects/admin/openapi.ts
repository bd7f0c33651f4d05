/**
 * The OpenAPI document of the control plane.
 *
 * @module
 */
import { z } from 'zod';
import { buildOpenApiDocument, type OpenApiDocument } from '../../openapi/document.ts';
import { PROBLEM_CONTENT_TYPE, problemSchema } from './problem.ts';
import { ADMIN_ROUTES } from './routes/index.ts';

const replyHeaders = z.object({
  'x-request-id': z.string().describe('Id of the request; also `instance` of a problem.'),
});

/** The document that `/admin/v1/openapi.json` serves and `openapi/admin.json` holds. */
export function adminOpenApi(version: string): OpenApiDocument {
  return buildOpenApiDocument({
    title: 'ALwrity LLM Gateway: control plane',
    version,
    description:
      'Plans, customers, keys, usage and the ledger. Authenticate with an admin key. Members that are not described here are refused; amounts of money are decimal strings of US dollars.',
    routes: ADMIN_ROUTES.map((route) => route.description),
    errors: {
      contentType: PROBLEM_CONTENT_TYPE,
      schema: problemSchema,
      common: [
        'invalid_api_key',
        'forbidden',
        'payload_too_large',
        'unsupported_media_type',
        'idempotency_in_flight',
        'idempotency_mismatch',
        'metering_unavailable',
        'internal_error',
      ],
    },
    replyHeaders,
  });
}
