/**
 * Where an answer's media are kept, for callers who want an address instead of bytes.
 *
 * @module
 */
import type { CallRun } from './call-run.ts';
import type { Gateway } from './gateway.ts';

/** Stores media as an asset of the caller's customer. @returns a signed URL */
export type KeepMedia = (bytes: Buffer) => Promise<string>;

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** Keeps media for the customer of a run. */
export function mediaKeeper(gateway: Gateway, run: CallRun): KeepMedia {
  const { assets } = gateway;
  const { exchange, caller } = run;
  return async (bytes) => {
    const file = await assets.receive(one(bytes), {
      maxBytes: assets.maxBytes,
      param: 'data',
      claimedType: null,
    });
    const owner = { customerId: caller.customer.id, requestId: exchange.requestId, name: null };
    return assets.urlOf(await assets.keep(file, owner), exchange.header('host'));
  };
}

/**
 * Stores an answer's media where its caller wants addresses. What cannot be stored was made and is billed all the same,
 * so it is delivered as bytes, with a warning.
 */
export async function storeAnswer(
  gateway: Gateway,
  run: CallRun,
  store: (keep: KeepMedia) => Promise<void>,
): Promise<void> {
  try {
    await store(mediaKeeper(gateway, run));
  } catch (error) {
    run.warnings.push('response_format_mapped');
    gateway.recorder.fault(error, { requestId: run.exchange.requestId, step: 'store' });
  }
}
