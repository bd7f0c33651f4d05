/**
 * `provider_options.<provider>`: members that a caller puts into the wire body of one provider.
 *
 * @module
 */
import { isObject } from './loose-json.ts';

/**
 * Members that the gateway decides on: what is asked of whom, how much of it, and what is billed beside tokens.
 * Limits and holds were computed from the request's own fields.
 */
const RESERVED_MEMBERS: ReadonlySet<string> = new Set([
  '__proto__',
  'model',
  'models',
  'messages',
  'stream',
  'stream_options',
  'n',
  'best_of',
  'max_tokens',
  'max_completion_tokens',
  'max_output_tokens',
  'tools',
  'web_search_options',
  'plugins',
  'service_tier',
]);

/** The members for this provider, parted into those that go out and the names of those that may not. */
export function ownProviderOptions(
  providerOptions: unknown,
  id: string,
): {
  readonly members: readonly (readonly [string, unknown])[];
  readonly refused: readonly string[];
} {
  const own = isObject(providerOptions) ? providerOptions[id] : undefined;
  if (!isObject(own)) return { members: [], refused: [] };
  const entries = Object.entries(own);
  return {
    members: entries.filter(([name]) => !RESERVED_MEMBERS.has(name)),
    refused: entries.flatMap(([name]) => (RESERVED_MEMBERS.has(name) ? [name] : [])),
  };
}
