/**
 * The routes of stored media as OpenAPI describes them.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';
import { assetImportSchema, assetSchema } from '../dialects/admin/asset-shapes.ts';
import { CALL_HEADERS, CUSTOMER_HEADERS } from './data-plane-headers.ts';
import type { RouteDescription } from './route-description.ts';

/** An asset as its owner gets it. */
const ownAssetSchema = assetSchema
  .extend({ url: z.string().describe('Signed: it reads the asset without a key for a while.') })
  .meta({ id: 'OwnAsset' });

const json = (schema: z.ZodType) => ({ 'application/json': { schema } });
const bytes = z.string().meta({ format: 'binary' });
const params = z.object({ id: z.string().describe('`ast_…`') });
const common = { tag: 'assets', access: 'data', headers: CUSTOMER_HEADERS } as const;
const STORE_ERRORS: readonly ErrorCode[] = ['invalid_request', 'not_found', 'metering_unavailable'];

/** Every route of stored media. */
export const ASSET_ROUTES: readonly RouteDescription[] = [
  {
    ...common,
    method: 'post',
    path: '/v1/assets',
    operationId: 'createAsset',
    summary: 'Store an image, audio or video, to name it in later calls',
    description:
      'The body is the file itself, a form (`multipart/form-data`) with one file called `file`, or JSON that names an https URL to fetch, a data URL or an asset. What it is, its bytes tell; a `content-type` that disagrees is refused, and so is what is no media, such as SVG and HTML. Bytes that are stored already take no more room.',
    headers: CALL_HEADERS.pick({ 'x-gateway-customer': true, 'Idempotency-Key': true }),
    query: z.object({
      name: z.string().optional().describe('File name to show; a form brings its own.'),
    }),
    body: {
      schema: assetImportSchema,
      required: true,
      example: { url: 'https://example.com/cat.png', name: 'cat.png' },
      otherContent: {
        'multipart/form-data': { schema: z.object({ file: bytes }) },
        '*/*': { schema: bytes },
      },
    },
    reply: { status: 201, description: 'Stored.', content: json(ownAssetSchema) },
    errors: [
      ...STORE_ERRORS,
      'payload_too_large',
      'unsupported_media_type',
      'request_timeout',
      'idempotency_mismatch',
      'idempotency_in_flight',
      'idempotency_completed',
      'overloaded',
      'draining',
      'loop_detected',
    ],
  },
  {
    ...common,
    method: 'get',
    path: '/v1/assets/{id}',
    operationId: 'getAsset',
    summary: 'Read the bytes of an asset',
    description:
      'With a key, or without one under a signed URL. Answers `Range` (one or several), `If-Range`, `If-None-Match` and `HEAD`; the entity tag is the SHA-256 of the bytes.',
    params,
    query: z.object({
      expires: z.string().optional().describe('Of a signed URL: seconds since the epoch.'),
      signature: z.string().optional().describe('Of a signed URL.'),
    }),
    headers: CUSTOMER_HEADERS.extend({
      range: z.string().optional().describe('Such as `bytes=0-1023`: answered with 206.'),
      'if-none-match': z.string().optional().describe('Answered with 304 where it fits.'),
    }),
    reply: {
      status: 200,
      description: 'The bytes.',
      content: { '*/*': { schema: bytes } },
    },
    errors: [...STORE_ERRORS, 'range_not_satisfiable'],
  },
  {
    ...common,
    method: 'delete',
    path: '/v1/assets/{id}',
    operationId: 'deleteAsset',
    summary: 'Remove an asset',
    params,
    reply: {
      status: 200,
      description: 'Removed.',
      content: json(
        z.object({ id: z.string(), object: z.literal('asset'), deleted: z.literal(true) }),
      ),
    },
    errors: STORE_ERRORS,
  },
];
