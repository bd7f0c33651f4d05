/**
 * Where an answer's media are kept, for callers who want an address instead of bytes.
 *
 * @module
 */
import type { CallRun } from './call-run.ts';
import type { Gateway } from './gateway.ts';

/**
 * Stores media as an asset of the caller's customer.
 *
 * @returns a signed URL; null where it cannot be stored: it was made and is billed all the same, so that it is delivered
 *   as bytes, with a warning
 */
export type KeepMedia = (bytes: Buffer) => Promise<string | null>;

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

async function keep(gateway: Gateway, run: CallRun, bytes: Buffer): Promise<string> {
  const { assets } = gateway;
  const { exchange, caller } = run;
  const file = await assets.receive(one(bytes), {
    maxBytes: assets.maxBytes,
    param: 'data',
    claimedType: null,
  });
  const owner = { customerId: caller.customer.id, requestId: exchange.requestId, name: null };
  return assets.urlOf(await assets.keep(file, owner), exchange.header('host'));
}

/** Keeps media for the customer of a run. */
export function mediaKeeper(gateway: Gateway, run: CallRun): KeepMedia {
  return async (bytes) => {
    try {
      return await keep(gateway, run, bytes);
    } catch (error) {
      if (!run.warnings.includes(NOT_KEPT)) run.warnings.push(NOT_KEPT);
      gateway.recorder.fault(error, { requestId: run.exchange.requestId, step: 'store' });
      return null;
    }
  };
}

const NOT_KEPT = 'response_format_mapped';
