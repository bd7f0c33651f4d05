/**
 * Service tiers: how fast and how surely a provider serves a request, as a dimension of what its tokens cost.
 *
 * @module
 */

/** What everything is served in that asks for nothing else. */
export const STANDARD_TIER = 'standard';

/**
 * Vendors' words for the ordinary service: `default` (OpenAI), `standard` (Gemini, Anthropic), `on_demand` (Groq),
 * `standard_only` (Anthropic: never priority).
 */
const STANDARD_NAMES: ReadonlySet<string> = new Set([
  STANDARD_TIER,
  'default',
  'on_demand',
  'standard_only',
]);

/** True for every vendor's word for the ordinary service. */
export function isStandardTier(name: string): boolean {
  return STANDARD_NAMES.has(name);
}

/** The tier that a reply names, in the words of the price book; null where it names none. */
export function servedTierOf(name: string | null): string | null {
  if (name === null || name === 'auto') return null;
  return STANDARD_NAMES.has(name) ? STANDARD_TIER : name;
}

/** What a request's `service_tier` may be served in. */
export type AskedTier =
  | { readonly type: 'standard' }
  /** The account's setting at the provider decides: any tier that has a price. */
  | { readonly type: 'any' }
  /** This one; where the provider cannot, the standard. */
  | { readonly type: 'named'; readonly tier: string };

/**
 * Reads a request's `service_tier`. `auto` leaves the tier to the account
 * (https://platform.openai.com/docs/api-reference/chat/create#service_tier).
 */
export function askedTierOf(name: string): AskedTier {
  if (name === 'auto') return { type: 'any' };
  return STANDARD_NAMES.has(name) ? { type: 'standard' } : { type: 'named', tier: name };
}
