/**
 * The control plane as a Hono app. The server that mounts it has authenticated an admin key already and
 * passes caller and request id as bindings.
 *
 * @module
 */
import { Hono, type Context } from 'hono';
import { GatewayError } from '../../contracts/gateway-error.ts';
import { fingerprintOf, idempotencyKeyOf } from '../../gateway/idempotency-key.ts';
import { replyOnce } from '../../gateway/idempotent.ts';
import type { KeptReply } from '../../gateway/reply-seal.ts';
import { parseJsonObject } from '../json-body.ts';
import { auditBody } from './audit-body.ts';
import { ADMIN_PREFIX, type AdminRoute, type RawInput } from './admin-route.ts';
import type { AdminDependencies } from './dependencies.ts';
import { StreamedReply, toWebStream } from './export/export-table.ts';
import { adminOpenApi } from './openapi.ts';
import { asGatewayError, renderProblem } from './problem.ts';
import { ADMIN_ROUTES } from './routes/index.ts';

/** Passed as the second argument of `app.fetch`. */
export interface AdminBindings {
  readonly caller: {
    /** Id of the admin key. */
    readonly keyId: string;
  };
  /** `req_…`, also sent as `x-request-id`. */
  readonly requestId: string;
}

/** Hono's types for the app. */
export interface AdminEnvironment {
  Bindings: AdminBindings;
}

type AdminContext = Context<AdminEnvironment>;

const TARGET_MAX = 500;
const JSON_TYPE = 'application/json; charset=utf-8';

function toHonoPath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

async function readBytes(request: Request, maxBytes: number): Promise<Buffer> {
  const tooLarge = () =>
    new GatewayError('payload_too_large', {
      message: `The body is larger than the ${maxBytes} bytes that the control plane accepts.`,
    });
  if (Number(request.headers.get('content-length') ?? 0) > maxBytes) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  if (request.body !== null) {
    for await (const chunk of request.body) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  }
  return Buffer.concat(chunks);
}

async function readBody(
  context: AdminContext,
  route: AdminRoute,
  limits: Pick<AdminDependencies, 'maxBodyBytes' | 'maxJsonDepth'>,
): Promise<{ readonly bytes: Buffer; readonly value: unknown }> {
  const { method, body } = route.description;
  if (method === 'get' || method === 'delete') return { bytes: Buffer.alloc(0), value: {} };
  const bytes = await readBytes(context.req.raw, limits.maxBodyBytes);
  if (bytes.length === 0 && body?.required !== true) return { bytes, value: {} };
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/(?:[\w.+-]+\+)?json\s*(?:;|$)/i.test(type)) {
    throw new GatewayError('unsupported_media_type', {
      message: `The control plane reads application/json, not ${type === '' ? 'a body without content type' : `"${type.slice(0, 100)}"`}.`,
      param: 'content-type',
    });
  }
  return { bytes, value: parseJsonObject(bytes, limits.maxJsonDepth) };
}

function readQuery(context: AdminContext): RawInput['query'] {
  return Object.fromEntries(
    Object.entries(context.req.queries()).map(([name, values]) => [
      name,
      values.length === 1 ? (values[0] ?? '') : values,
    ]),
  );
}

interface JsonReply {
  readonly status: number;
  readonly body: string;
}

function streamedReply(reply: StreamedReply, requestId: string): Response {
  return new Response(toWebStream(reply), {
    headers: {
      'content-type': reply.contentType,
      'content-disposition': reply.disposition,
      'x-request-id': requestId,
      'cache-control': 'no-store',
    },
  });
}

function jsonReply({ status, body }: JsonReply, requestId: string, replayed: boolean): Response {
  return new Response(body, {
    status,
    headers: {
      'content-type': JSON_TYPE,
      'x-request-id': requestId,
      'cache-control': 'no-store',
      ...(replayed ? { 'idempotency-replayed': 'true' } : {}),
    },
  });
}

class AdminHandler {
  readonly #dependencies: AdminDependencies;

  constructor(dependencies: AdminDependencies) {
    this.#dependencies = dependencies;
  }

  /** Answers one request, whatever happens. */
  async answer(context: AdminContext, route: AdminRoute): Promise<Response> {
    const { requestId } = context.env;
    try {
      return await this.#act(context, route);
    } catch (error) {
      return this.refuse(error, requestId);
    }
  }

  refuse(error: unknown, requestId: string): Response {
    if (asGatewayError(error).code === 'internal_error') {
      this.#dependencies.onInternalError(error, requestId);
    }
    const { status, headers, body } = renderProblem(asGatewayError(error), { requestId });
    return new Response(body, { status, headers });
  }

  async #act(context: AdminContext, route: AdminRoute): Promise<Response> {
    const { requestId, caller } = context.env;
    const { bytes, value } = await readBody(context, route, this.#dependencies);
    const input: RawInput = {
      params: context.req.param() as Readonly<Record<string, string>>,
      query: readQuery(context),
      body: value,
    };
    const headers = { header: (name: string) => context.req.header(name) ?? null };
    const key = context.req.method === 'POST' ? idempotencyKeyOf(headers) : null;
    if (key === null) {
      const body = await this.#audited(context, route, input);
      if (body instanceof StreamedReply) return streamedReply(body, requestId);
      return jsonReply(jsonOf(route, body), requestId, false);
    }
    const { pathname, search } = new URL(context.req.url);
    const fingerprint = fingerprintOf(
      { method: 'POST', target: `${pathname}${search}`, body: bytes },
      headers,
    );
    const claim = { scope: caller.keyId, key, fingerprint, requestId, holdId: null };
    const { store, replySeal, onInternalError } = this.#dependencies;
    const parts = { store: store.idempotency, seal: replySeal, onFault: onInternalError };
    const { reply, replayed } = await replyOnce(parts, claim, async (): Promise<KeptReply> => {
      const { status, body } = jsonOf(route, await this.#audited(context, route, input));
      return { status, headers: [], stream: false, body: Buffer.from(body) };
    });
    const { status, body } = reply;
    return jsonReply({ status, body: body.toString('utf8') }, requestId, replayed);
  }

  /** Runs the route; what it changes stands in the audit trail. */
  #audited(context: AdminContext, route: AdminRoute, input: RawInput): Promise<unknown> {
    const run = (): Promise<unknown> => route.run(input, this.#dependencies);
    if (context.req.method === 'GET') return run();
    const { requestId, caller } = context.env;
    const { operationId } = route.description;
    const target = context.req.path.slice(0, TARGET_MAX);
    const body = auditBody(input.body);
    const change = { keyId: caller.keyId, requestId, action: operationId, target, body };
    return this.#dependencies.store.audit.within(change, run);
  }
}

function jsonOf(route: AdminRoute, body: unknown): JsonReply {
  return { status: route.description.reply.status, body: JSON.stringify(body) };
}

function pathPattern(path: string): RegExp {
  const escaped = path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(`^${escaped.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

function methodsByPath(): readonly { readonly pattern: RegExp; readonly methods: string[] }[] {
  const byPath = new Map<string, string[]>([[`${ADMIN_PREFIX}/openapi.json`, ['GET', 'HEAD']]]);
  for (const { description } of ADMIN_ROUTES) {
    const methods = byPath.get(description.path) ?? [];
    methods.push(description.method.toUpperCase());
    if (description.method === 'get') methods.push('HEAD');
    byPath.set(description.path, methods);
  }
  return [...byPath].map(([path, methods]) => ({ pattern: pathPattern(path), methods }));
}

/** The control plane below `/admin/v1`; its paths are whole, so it is mounted at the root. */
export function createAdminApp(dependencies: AdminDependencies): Hono<AdminEnvironment> {
  const app = new Hono<AdminEnvironment>();
  const handler = new AdminHandler(dependencies);
  const known = methodsByPath();
  let document: string | null = null;
  app.get(`${ADMIN_PREFIX}/openapi.json`, (context) => {
    document ??= JSON.stringify(adminOpenApi(dependencies.version));
    const reply = { status: 200, body: document };
    return jsonReply(reply, context.env.requestId, false);
  });
  for (const route of ADMIN_ROUTES) {
    const { method, path } = route.description;
    app.on(method.toUpperCase(), toHonoPath(path), (context) => handler.answer(context, route));
  }
  app.notFound((context) => {
    const { method, path } = context.req;
    const found = known.find(({ pattern }) => pattern.test(path));
    const error =
      found === undefined
        ? new GatewayError('not_found', { message: `There is no ${method} ${path.slice(0, 200)}.` })
        : new GatewayError('method_not_allowed', {
            message: `${method} is not possible here; possible are ${found.methods.join(', ')}.`,
          });
    const response = handler.refuse(error, context.env.requestId);
    if (found !== undefined) response.headers.set('allow', found.methods.join(', '));
    return response;
  });
  app.onError((error, context) => handler.refuse(error, context.env.requestId));
  return app;
}
