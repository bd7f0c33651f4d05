/**
 * URLs under which an asset can be read without a key, until a time that stands in them: id and time are signed.
 *
 * @module
 */
import { Signer } from '../secrets/signer.ts';

/** 128 bits: beyond guessing. */
const SIGNATURE_BYTES = 16;

export const ASSETS_PATH = '/v1/assets/';

export class AssetUrls {
  readonly #signer: Signer;

  /** @param encryptionKey the gateway's secret, of which this takes a key of its own */
  constructor(encryptionKey: string) {
    this.#signer = new Signer(encryptionKey, { purpose: 'asset-url', bytes: SIGNATURE_BYTES });
  }

  /** Path and query of an asset, valid before `untilMs`, which is cut to whole seconds. */
  sign(assetId: string, untilMs: number): string {
    const expires = String(Math.floor(untilMs / 1000));
    const signature = this.#signer.sign(signedText(assetId, expires));
    return `${ASSETS_PATH}${assetId}?expires=${expires}&signature=${signature}`;
  }

  /** Whether this gateway has signed it and its time has not come. Takes as long for every wrong signature. */
  isValid(
    assetId: string,
    query: { readonly expires: string; readonly signature: string },
    nowMs: number,
  ): boolean {
    const isSigned = this.#signer.isSignature(query.signature, signedText(assetId, query.expires));
    return isSigned && Number(query.expires) * 1000 > nowMs;
  }
}

function signedText(assetId: string, expires: string): string {
  return `${assetId}\n${expires}`;
}
