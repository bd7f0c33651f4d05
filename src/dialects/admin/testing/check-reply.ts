/**
 * Replies of the control plane against what their routes publish.
 *
 * @module
 */
import { problemSchema } from '../problem.ts';
import { ADMIN_ROUTES } from '../routes/index.ts';

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

/** @throws Error, of zod or its own, for a reply that its route does not describe */
export function checkReply(
  method: string,
  path: string,
  reply: { readonly status: number; readonly body: unknown },
): void {
  if (reply.status >= 400) {
    problemSchema.parse(reply.body);
    return;
  }
  const route = ADMIN_ROUTES.find(
    ({ description }) =>
      description.method === method.toLowerCase() && patternOf(description.path).test(path),
  );
  const schema = route?.description.reply.content['application/json']?.schema;
  if (route === undefined || schema === undefined) return;
  if (reply.status !== route.description.reply.status) {
    throw new Error(`${method} ${path} answered ${reply.status}, which its description lacks`);
  }
  schema.parse(reply.body);
}
