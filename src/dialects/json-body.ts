/**
 * Reads a JSON body once, refusing what would make the gateway and the provider read different things.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../contracts/gateway-error.ts';
import { countKeys, duplicateKeyOf, exceededCap, scanMembers } from '../http/json-splice.ts';

function invalid(message: string, param?: string): GatewayError {
  return new GatewayError(
    'invalid_request',
    param === undefined ? { message } : { message, param },
  );
}

/**
 * Values (members and items) that a body may hold: parsing more would keep all other callers waiting. Conversations of
 * ten thousand messages stay below it.
 */
const MAX_JSON_VALUES = 50_000;
/** Smaller bodies cannot hold enough to matter, and are not looked through before they are parsed. */
const SMALL_BODY_BYTES = 64 * 1024;

function assertWithinCaps(bytes: Buffer, maxDepth: number): void {
  const exceeded = exceededCap(bytes, { depth: maxDepth, values: MAX_JSON_VALUES });
  if (exceeded === 'depth') throw tooDeep(maxDepth);
  if (exceeded === 'values')
    throw invalid(
      `The body holds more than ${MAX_JSON_VALUES} values. Send fewer, or shorter lists.`,
    );
}

function tooDeep(maxDepth: number): GatewayError {
  return invalid(`The body nests deeper than ${maxDepth} levels.`);
}

const TOO_DEEP = -1;

/** Keys in `value` and below, or {@link TOO_DEEP}; stops descending there, so that depth costs no stack. */
function countParsedKeys(value: object, levels: number): number {
  if (levels === 0) return TOO_DEEP;
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (typeof item !== 'object' || item === null) continue;
      const inside = countParsedKeys(item, levels - 1);
      if (inside === TOO_DEEP) return TOO_DEEP;
      keys += inside;
    }
    return keys;
  }
  for (const key in value) {
    keys += 1;
    const member = (value as Record<string, unknown>)[key];
    if (typeof member !== 'object' || member === null) continue;
    const inside = countParsedKeys(member, levels - 1);
    if (inside === TOO_DEEP) return TOO_DEEP;
    keys += inside;
  }
  return keys;
}

function assertNoDuplicates(bytes: Buffer, parsedKeys: number): void {
  if (countKeys(bytes) === parsedKeys) return;
  const duplicate = duplicateKeyOf(scanMembers(bytes));
  if (duplicate === null) throw invalid('An object inside the body has the same member twice.');
  throw invalid(
    `The member "${duplicate.slice(0, 100)}" stands twice in the body.`,
    duplicate.slice(0, 100),
  );
}

/**
 * Parses `bytes` as one JSON object in UTF-8.
 *
 * @throws GatewayError `invalid_request` for other encodings, bad JSON, arrays, scalars, excessive depth, too many
 *   values, and keys that stand twice in one object (parsers differ in which one counts)
 */
export function parseJsonObject(bytes: Buffer, maxDepth: number): Record<string, unknown> {
  if (bytes.length === 0) throw invalid('The body is empty; send a JSON object.');
  if (!isUtf8(bytes)) throw invalid('The body must be JSON in UTF-8.');
  if (bytes.length > SMALL_BODY_BYTES) assertWithinCaps(bytes, maxDepth);
  let body: unknown;
  try {
    body = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be parsed';
    throw invalid(`The body is not valid JSON: ${reason.slice(0, 200)}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('The body must be a JSON object.');
  }
  const keys = countParsedKeys(body, maxDepth);
  if (keys === TOO_DEEP) throw tooDeep(maxDepth);
  assertNoDuplicates(bytes, keys);
  return body as Record<string, unknown>;
}
