/**
 * OpenAPI 3.1 documents from route descriptions.
 *
 * @module
 */
import type { z } from 'zod';
import {
  createDocument,
  type ZodOpenApiOperationObject,
  type ZodOpenApiPathsObject,
  type ZodOpenApiResponseObject,
  type ZodOpenApiResponsesObject,
} from 'zod-openapi';
import { ERROR_CODES, type ErrorCode } from '../contracts/error-codes.ts';
import type { RouteDescription } from './route-description.ts';

/** How the errors of a plane look. */
export interface ErrorRendering {
  readonly contentType: string;
  readonly schema: z.ZodType;
  /** Codes that any route of the plane can answer. */
  readonly common: readonly ErrorCode[];
}

export interface DocumentOptions {
  readonly title: string;
  readonly version: string;
  readonly description: string;
  readonly routes: readonly RouteDescription[];
  readonly errors: ErrorRendering;
  /** Headers of every reply, errors included. */
  readonly replyHeaders: z.ZodObject;
}

/** An OpenAPI document; its members are those of https://spec.openapis.org/oas/v3.1.1. */
export type OpenApiDocument = ReturnType<typeof createDocument>;

const BEARER = { bearerKey: [] };
const SECURITY: Readonly<Record<RouteDescription['access'], Record<string, string[]>[]>> = {
  admin: [BEARER],
  data: [BEARER, { apiKeyHeader: [] }, { googApiKeyHeader: [] }],
  public: [],
};

/** Error responses by the codes they stand for: equal ones are one component of the document. */
type SharedResponses = Map<string, ZodOpenApiResponseObject>;

interface Assembly {
  readonly options: DocumentOptions;
  readonly shared: SharedResponses;
}

function errorResponse(
  codes: readonly ErrorCode[],
  { errorShape }: RouteDescription,
  assembly: Assembly,
): ZodOpenApiResponseObject {
  const { replyHeaders } = assembly.options;
  const errors = errorShape ?? assembly.options.errors;
  const id = [...(errorShape === undefined ? [] : [errorShape.id]), ...codes].join('.');
  const known = assembly.shared.get(id);
  if (known !== undefined) return known;
  const response: ZodOpenApiResponseObject = {
    id,
    description: codes.map((code) => `\`${code}\`: ${ERROR_CODES[code].title}.`).join(' '),
    headers: replyHeaders,
    content: { [errors.contentType]: { schema: errors.schema } },
  };
  assembly.shared.set(id, response);
  return response;
}

function errorResponses(route: RouteDescription, assembly: Assembly): ZodOpenApiResponsesObject {
  const { options } = assembly;
  const byStatus = new Map<number, ErrorCode[]>();
  const common = route.access === 'public' ? [] : options.errors.common;
  for (const code of new Set([...route.errors, ...common])) {
    const { status } = ERROR_CODES[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  const responses: ZodOpenApiResponsesObject = {};
  for (const status of [...byStatus.keys()].toSorted((left, right) => left - right)) {
    const codes = (byStatus.get(status) ?? []).toSorted();
    responses[statusKey(status)] = errorResponse(codes, route, assembly);
  }
  return responses;
}

function statusKey(status: number): `${1 | 2 | 3 | 4 | 5}${string}` {
  const text = String(status);
  if (!/^[1-5]\d\d$/.test(text)) throw new RangeError(`${text} is no HTTP status`);
  return text as `${1 | 2 | 3 | 4 | 5}${string}`;
}

function operationOf(route: RouteDescription, assembly: Assembly): ZodOpenApiOperationObject {
  const { options } = assembly;
  const { reply, params, query, headers, body } = route;
  const replyHeaders =
    reply.headers === undefined
      ? options.replyHeaders
      : options.replyHeaders.extend(reply.headers.shape);
  return {
    operationId: route.operationId,
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    tags: [route.tag],
    security: SECURITY[route.access],
    requestParams: {
      ...(params === undefined ? {} : { path: params }),
      ...(query === undefined ? {} : { query }),
      ...(headers === undefined ? {} : { header: headers }),
    },
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.required,
            content: {
              [body.contentType ?? 'application/json']: {
                schema: body.schema,
                ...(body.example === undefined ? {} : { example: body.example }),
              },
              ...body.otherContent,
            },
          },
        }),
    responses: {
      [statusKey(reply.status)]: {
        description: reply.description,
        headers: replyHeaders,
        ...(Object.keys(reply.content).length === 0 ? {} : { content: { ...reply.content } }),
      },
      ...errorResponses(route, assembly),
    },
  };
}

/** Builds a document. Routes with the same path share a path item; the order is that of the routes. */
export function buildOpenApiDocument(options: DocumentOptions): OpenApiDocument {
  const paths: ZodOpenApiPathsObject = {};
  const assembly: Assembly = { options, shared: new Map() };
  for (const route of options.routes) {
    const item = paths[route.path] ?? {};
    if (item[route.method] !== undefined) {
      throw new Error(`two routes answer ${route.method} ${route.path}`);
    }
    paths[route.path] = { ...item, [route.method]: operationOf(route, assembly) };
  }
  const used = new Set(options.routes.flatMap((route) => SECURITY[route.access]).flatMap(Object.keys));
  return createDocument({
    openapi: '3.1.1',
    info: {
      title: options.title,
      version: options.version,
      description: options.description,
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/', description: 'The gateway that serves this document' }],
    paths,
    components: {
      securitySchemes: Object.fromEntries(
        Object.entries(SECURITY_SCHEMES).filter(([name]) => used.has(name)),
      ),
    },
  });
}

const SECURITY_SCHEMES = {
  bearerKey: { type: 'http', scheme: 'bearer', description: '`Authorization: Bearer <key>`' },
  apiKeyHeader: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  googApiKeyHeader: { type: 'apiKey', in: 'header', name: 'x-goog-api-key' },
} as const;
