/**
 * A route of the control plane: its description and what it does, with inputs typed by its own schemas.
 *
 * @module
 */
import { z } from 'zod';
import type { ErrorCode } from '../../contracts/error-codes.ts';
import type { RouteDescription, RouteMethod } from '../../openapi/route-description.ts';
import { pathOf } from '../validation.ts';
import { GatewayError } from '../../contracts/gateway-error.ts';
import type { AdminDependencies } from './dependencies.ts';
import { IDEMPOTENCY_KEY_MAX } from '../../contracts/idempotency.ts';

/** Prefix of every path of the control plane. */
export const ADMIN_PREFIX = '/admin/v1';

/** A request as it arrives: path and query as text, body as parsed JSON. */
export interface RawInput {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string | readonly string[]>>;
  readonly body: unknown;
}

export interface AdminRoute {
  readonly description: RouteDescription;
  /**
   * Validates the input and acts.
   *
   * @returns the body of the reply
   * @throws GatewayError `invalid_request` naming the member at fault, and what the route's description lists
   */
  run(input: RawInput, dependencies: AdminDependencies): Promise<unknown>;
}

const NOTHING = z.strictObject({});

interface AdminRouteSpec<
  Params extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodType,
  Reply extends z.ZodType,
> {
  readonly method: RouteMethod;
  /** Below `/admin/v1`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: Body;
  /** False where an empty body stands for `{}`. */
  readonly bodyRequired?: boolean;
  readonly example?: unknown;
  readonly status?: 200 | 201;
  readonly reply: Reply;
  readonly replyExample?: unknown;
  readonly errors?: readonly ErrorCode[];
  readonly handle: (
    input: {
      readonly params: z.output<Params>;
      readonly query: z.output<Query>;
      readonly body: z.output<Body>;
    },
    dependencies: AdminDependencies,
  ) => Promise<z.input<Reply>>;
}

const ISSUES_SHOWN = 5;

function issuePath(issue: z.core.$ZodIssue): string {
  return issue.code === 'unrecognized_keys'
    ? pathOf([...issue.path, issue.keys[0] ?? ''])
    : pathOf(issue.path);
}

function issueText(issue: z.core.$ZodIssue, what: string): string {
  const path = issuePath(issue);
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((key) => pathOf([...issue.path, key].slice(0, 20)).slice(0, 120));
    return `${names.join(', ')}: unknown ${what}`;
  }
  const reason = issue.message.replace(/^Invalid input: /, '');
  return path === '' ? reason : `${path}: ${reason}`;
}

/**
 * Parses one part of a request.
 *
 * @throws GatewayError `invalid_request` with the path of the first fault, its text naming up to five
 */
export function parsePart<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  what: string,
): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const { issues } = result.error;
  const shown = issues.slice(0, ISSUES_SHOWN).map((issue) => issueText(issue, what));
  const more = issues.length > ISSUES_SHOWN ? `; and ${issues.length - ISSUES_SHOWN} more` : '';
  const first = issues[0];
  const param = first === undefined ? '' : issuePath(first).slice(0, 200);
  throw new GatewayError('invalid_request', {
    message: `${shown.join('; ')}${more}.`,
    ...(param === '' ? {} : { param }),
  });
}

/** Binds a specification to its schemas; the types of its inputs follow from them. */
export function adminRoute<
  Params extends z.ZodObject = typeof NOTHING,
  Query extends z.ZodObject = typeof NOTHING,
  Body extends z.ZodType = typeof NOTHING,
  Reply extends z.ZodType = z.ZodType,
>(spec: AdminRouteSpec<Params, Query, Body, Reply>): AdminRoute {
  const { params, query, body } = spec;
  const status = spec.status ?? 200;
  return {
    description: {
      method: spec.method,
      path: `${ADMIN_PREFIX}${spec.path}`,
      operationId: spec.operationId,
      summary: spec.summary,
      ...(spec.description === undefined ? {} : { description: spec.description }),
      tag: spec.tag,
      access: 'admin',
      ...(params === undefined ? {} : { params }),
      ...(query === undefined ? {} : { query }),
      ...(spec.method === 'post' ? { headers: idempotencyHeaders } : {}),
      ...(body === undefined
        ? {}
        : {
            body: {
              schema: body,
              required: spec.bodyRequired ?? true,
              ...(spec.example === undefined ? {} : { example: spec.example }),
            },
          }),
      reply: {
        status,
        description: status === 201 ? 'Created.' : 'Done.',
        content: {
          'application/json': {
            schema: spec.reply,
            ...(spec.replyExample === undefined ? {} : { example: spec.replyExample }),
          },
        },
      },
      errors: [...(spec.errors ?? []), 'invalid_request'],
    },
    async run(input, dependencies) {
      const parsed = {
        params: parsePart(params ?? NOTHING, input.params, 'path parameter') as z.output<Params>,
        query: parsePart(query ?? NOTHING, input.query, 'query parameter') as z.output<Query>,
        body: parsePart(body ?? NOTHING, input.body, 'member') as z.output<Body>,
      };
      return spec.handle(parsed, dependencies);
    },
  };
}

const idempotencyHeaders = z.object({
  'Idempotency-Key': z
    .string()
    .min(1)
    .max(IDEMPOTENCY_KEY_MAX)
    .optional()
    .describe('Repeating a POST with the same key and body returns the first reply.'),
});
