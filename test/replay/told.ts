/**
 * What a caller is told when a provider fails: the contract's table of errors by the provider's status.
 *
 * @module
 */

export type Told = readonly [status: number, code: string];

const BY_STATUS: Readonly<Record<number, Told>> = {
  400: [400, 'invalid_request'],
  401: [502, 'provider_auth'],
  402: [502, 'provider_credit'],
  403: [502, 'provider_auth'],
  404: [404, 'model_not_found'],
  408: [502, 'provider_error'],
  413: [413, 'payload_too_large'],
  422: [422, 'invalid_request'],
  429: [503, 'provider_rate_limited'],
};

/** By status alone; bodies may say more. */
export function toldOf(status: number): Told {
  const told = BY_STATUS[status];
  if (told !== undefined) return told;
  return status >= 500 ? [502, 'provider_error'] : [400, 'invalid_request'];
}
