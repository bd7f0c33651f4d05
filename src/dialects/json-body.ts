/**
 * Reads a JSON body once, refusing what would make the gateway and the provider read different things.
 *
 * @module
 */
import { isUtf8 } from 'node:buffer';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { MemberPlaces } from '../contracts/wire.ts';
import { scanObject, type ObjectScan, type ScanCaps } from '../http/json-members.ts';
import { keysOf, type ScannedObject } from '../http/json-splice.ts';

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
/** Smaller bodies cannot hold enough to matter: whether they are JSON at all is found out first. */
const SMALL_BODY_BYTES = 64 * 1024;

/** @throws GatewayError `invalid_request` beyond a cap */
function scanned(bytes: Buffer, maxDepth: number): ObjectScan {
  const scan = scanObject(bytes, { depth: maxDepth, values: MAX_JSON_VALUES });
  return typeof scan === 'string' ? refuse(scan, maxDepth) : scan;
}

function refuse(exceeded: keyof ScanCaps, maxDepth: number): never {
  switch (exceeded) {
    case 'depth':
      throw invalid(`The body nests deeper than ${maxDepth} levels.`);
    case 'values':
      throw invalid(
        `The body holds more than ${MAX_JSON_VALUES} values. Send fewer, or shorter lists.`,
      );
  }
}

/** Keys in `value` and below. Its depth is known to be within the cap. */
function countParsedKeys(value: object): number {
  let keys = 0;
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) {
      if (typeof item === 'object' && item !== null) keys += countParsedKeys(item);
    }
    return keys;
  }
  for (const key in value) {
    keys += 1;
    const member = (value as Record<string, unknown>)[key];
    if (typeof member === 'object' && member !== null) keys += countParsedKeys(member);
  }
  return keys;
}

/** The first key that stands twice, or null: what authorises and what the upstream reads must be one parse. */
function duplicateOf(keys: readonly string[]): string | null {
  const seen = new Set<string>();
  for (const key of keys) {
    if (seen.has(key)) return key;
    seen.add(key);
  }
  return null;
}

function duplicateError(bytes: Buffer, members: MemberPlaces): GatewayError {
  const duplicate = duplicateOf(keysOf({ bytes, members }));
  if (duplicate === null) return invalid('An object inside the body has the same member twice.');
  const key = duplicate.slice(0, 100);
  return invalid(`The member "${key}" stands twice in the body.`, key);
}

function parsed(text: string): object {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it cannot be parsed';
    throw invalid(`The body is not valid JSON: ${reason.slice(0, 200)}`);
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw invalid('The body must be a JSON object.');
  }
  return body;
}

/** A parsed body with its bytes, and where its members stand in them. */
export interface JsonBody extends ScannedObject {
  readonly value: Record<string, unknown>;
}

/**
 * Parses `bytes` as one JSON object in UTF-8.
 *
 * @throws GatewayError `invalid_request` for other encodings, bad JSON, arrays, scalars, excessive depth, too many
 *   values, and keys that stand twice in one object (parsers differ in which one counts)
 */
export function readJsonBody(bytes: Buffer, maxDepth: number): JsonBody {
  if (bytes.length === 0) throw invalid('The body is empty; send a JSON object.');
  if (!isUtf8(bytes)) throw invalid('The body must be JSON in UTF-8.');
  const early = bytes.length > SMALL_BODY_BYTES ? scanned(bytes, maxDepth) : null;
  const text = bytes.toString('utf8');
  const value = parsed(text);
  const { keys, members } = early ?? scanned(bytes, maxDepth);
  if (keys !== countParsedKeys(value)) throw duplicateError(bytes, members);
  // Of UTF-8 that has a letter for each byte, all letters are ASCII.
  const letters = text.length === bytes.length ? text : null;
  return { bytes, members, letters, value: value as Record<string, unknown> };
}

/** {@link readJsonBody} of those who need no more than the value. */
export function parseJsonObject(bytes: Buffer, maxDepth: number): Record<string, unknown> {
  return readJsonBody(bytes, maxDepth).value;
}
