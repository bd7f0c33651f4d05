/**
 * Validation by an implementation that the simulators do not share.
 *
 * @module
 */
import { z } from 'zod';

type ZodJsonSchema = Exclude<Parameters<typeof z.fromJSONSchema>[0], boolean>;

/** True when the value is valid for the JSON schema. */
export function isValidJson(schema: object, value: unknown): boolean {
  const shape: ZodJsonSchema = { ...schema };
  return z.fromJSONSchema(shape).safeParse(value).success;
}
