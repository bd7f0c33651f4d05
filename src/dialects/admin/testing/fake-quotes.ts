/**
 * Quotes are no matter of the control plane: the fake store refuses them.
 *
 * @module
 */
import type { Quotes } from '../../../metering/quote-port.ts';

export function createFakeQuotes(): Quotes {
  const refuse = (): Promise<never> =>
    Promise.reject(new Error('the fake store of the control plane has no quotes'));
  return {
    evaluate: refuse,
    create: refuse,
    standing: refuse,
    release: refuse,
    reserve: refuse,
    outputRatios: refuse,
  };
}
