/**
 * Reading of requests whose members come as JSON or as the parts of a form.
 *
 * @module
 */
import { z } from 'zod';
import { invalidRequest, pathOf } from '../validation.ts';

/** The body by its schema. @throws GatewayError `invalid_request` naming the field */
export function checked<Schema extends z.ZodType>(
  schema: Schema,
  body: Readonly<Record<string, unknown>>,
): z.infer<Schema> {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw invalidRequest(pathOf(issue?.path ?? []), issue?.message ?? 'is not valid');
}

/** `background: true`, as JSON and as forms write it: the reply is a job. */
export const backgroundFlag = z
  .union([z.boolean(), z.enum(['true', 'false'])])
  .nullish()
  .describe('`true`: the reply is a job (202), whose result is kept.');

/** Whether a request asks to be carried out in the background. */
export function isBackground(value: unknown): boolean {
  return value === true || value === 'true';
}

/**
 * For what is always answered at once.
 *
 * @throws GatewayError `invalid_request` for a request that asks to be carried out in the background
 */
export function assertForeground(body: Readonly<Record<string, unknown>>): void {
  if (!isBackground(body['background'])) return;
  throw invalidRequest(
    'background',
    'this is answered at once: leave it out. In the background are made pictures (/v1/images/…), speech, transcripts and translations (/v1/audio/speech, /transcriptions, /translations), and clips (/v1/videos), always.',
  );
}

/** Members that the route knows no meaning for. */
export function unknownMembers(
  schema: z.ZodObject,
  body: Readonly<Record<string, unknown>>,
): readonly string[] {
  return Object.keys(body).filter((name) => !(name in schema.shape));
}

/** A capability that {@link isServedBy} has found: its absence is a fault of ours. */
export function present<Capability>(capability: Capability | undefined): Capability {
  if (capability === undefined) throw new Error('the provider lacks what it was chosen for');
  return capability;
}
