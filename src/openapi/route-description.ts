/**
 * What a route is, as data: the server mounts it, OpenAPI documents are generated from it, and tests walk it.
 *
 * @module
 */
import type { z } from 'zod';
import type { ErrorCode } from '../contracts/error-codes.ts';

export type RouteMethod = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** One successful answer. */
export interface RouteReply {
  readonly status: 200 | 201 | 202 | 204;
  readonly description: string;
  /** By media type; several where the route can answer in several (a whole answer, or a stream). */
  readonly content: Readonly<Record<string, { readonly schema: z.ZodType; readonly example?: unknown }>>;
  /** Headers beside those that every reply of the plane has. */
  readonly headers?: z.ZodObject;
}

export interface RouteBody {
  readonly schema: z.ZodType;
  /** Of the main form; default: `application/json`. */
  readonly contentType?: string;
  /** By media type: other forms in which the body is taken. */
  readonly otherContent?: Readonly<Record<string, { readonly schema: z.ZodType }>>;
  readonly required: boolean;
  readonly example?: unknown;
}

/** How the errors of a route look, where not as those of its plane. */
export interface RouteErrorShape {
  /** Tells its error responses apart from those of other shapes. */
  readonly id: string;
  readonly contentType: string;
  readonly schema: z.ZodType;
}

export interface RouteDescription {
  readonly method: RouteMethod;
  /** Whole path with parameters as `{name}`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  /** Which keys may call it. */
  readonly access: 'admin' | 'data' | 'public';
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly headers?: z.ZodObject;
  readonly body?: RouteBody;
  readonly reply: RouteReply;
  /** Codes that this route can answer beside those that every route of its plane can. */
  readonly errors: readonly ErrorCode[];
  readonly errorShape?: RouteErrorShape;
}
