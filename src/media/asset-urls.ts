/**
 * URLs under which an asset can be read without a key, until a time that stands in them. The signature is an HMAC
 * (RFC 2104) of id and time under a key that HKDF (RFC 5869) derives from the gateway's encryption key.
 *
 * @module
 */
import { createHmac, hkdfSync, timingSafeEqual } from 'node:crypto';

const PURPOSE = 'alwrity-gateway/asset-url';
/** 128 bits: beyond guessing. */
const SIGNATURE_BYTES = 16;

export const ASSETS_PATH = '/v1/assets/';

export class AssetUrls {
  readonly #key: Buffer;

  /** @param encryptionKey the gateway's secret, of which this takes a key of its own */
  constructor(encryptionKey: string) {
    this.#key = Buffer.from(hkdfSync('sha256', encryptionKey, '', PURPOSE, 32));
  }

  /** Path and query of an asset, valid before `untilMs`, which is cut to whole seconds. */
  sign(assetId: string, untilMs: number): string {
    const expires = String(Math.floor(untilMs / 1000));
    const signature = this.#signature(assetId, expires).toString('base64url');
    return `${ASSETS_PATH}${assetId}?expires=${expires}&signature=${signature}`;
  }

  /** Whether this gateway has signed it and its time has not come. Takes as long for every wrong signature. */
  isValid(
    assetId: string,
    query: { readonly expires: string; readonly signature: string },
    nowMs: number,
  ): boolean {
    const given = Buffer.from(query.signature, 'base64url');
    const wanted = this.#signature(assetId, query.expires);
    const isSigned = given.length === wanted.length && timingSafeEqual(given, wanted);
    return isSigned && Number(query.expires) * 1000 > nowMs;
  }

  #signature(assetId: string, expires: string): Buffer {
    return createHmac('sha256', this.#key)
      .update(`${assetId}\n${expires}`)
      .digest()
      .subarray(0, SIGNATURE_BYTES);
  }
}
