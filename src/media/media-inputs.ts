/**
 * Media that a call names: a data URL, an https URL, an asset, or a part of its form. Whatever it is, it becomes a
 * checked file.
 *
 * @module
 */
import { readFile } from 'node:fs/promises';
import { GatewayError } from '../contracts/gateway-error.ts';
import type { Assets } from './assets.ts';
import { readDataUrl } from './data-url.ts';
import type { MediaFetcher } from './media-fetcher.ts';
import type { MediaKind } from './media-type.ts';
import type { FormFile } from './receive-form.ts';
import type { MediaFile } from './staging.ts';

/** How a call names media. */
export type MediaInput =
  /** `data:…`, `https://…` or `ast_…`. */
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'part'; readonly part: FormFile };

export interface InputRules {
  /** Whose assets may be named. */
  readonly customerId: string;
  /** Names the member or part in errors, such as `image`. */
  readonly param: string;
  readonly kinds: readonly MediaKind[];
  /** Default: what is taken of any asset. */
  readonly maxBytes?: number;
}

/** Types that clients send for bytes they know nothing of. */
const NO_CLAIM = /^(?:application\/(?:octet-stream|x-www-form-urlencoded)|binary\/octet-stream)\b/i;

/** The type that a sender claims; null where it is none that binds. */
export function claimedType(contentType: string | null): string | null {
  return contentType === null || contentType === '' || NO_CLAIM.test(contentType)
    ? null
    : contentType;
}

export class MediaInputs {
  readonly #assets: Assets;
  readonly #fetcher: MediaFetcher;

  constructor(assets: Assets, fetcher: MediaFetcher) {
    this.#assets = assets;
    this.#fetcher = fetcher;
  }

  /**
   * Makes a file of an input. Who gets it releases it.
   *
   * @throws GatewayError naming `param`: `invalid_request` for what names nothing, cannot be fetched, or is not what it
   *   says; `unsupported_media_type` for other kinds; `payload_too_large`; `not_found` for an asset that the customer
   *   does not have; `overloaded` without room
   */
  async resolve(input: MediaInput, rules: InputRules): Promise<MediaFile> {
    const { param, kinds } = rules;
    const maxBytes = Math.min(rules.maxBytes ?? this.#assets.maxBytes, this.#assets.maxBytes);
    const receive = (bytes: AsyncIterable<Uint8Array>, claim: string | null) =>
      this.#assets.receive(bytes, { param, kinds, maxBytes, claimedType: claim });
    if (input.type === 'part') {
      return receive(input.part.bytes, claimedType(input.part.contentType));
    }
    const { text } = input;
    if (text.startsWith('ast_')) return this.#lend(text, rules, maxBytes);
    if (/^data:/i.test(text)) {
      const data = readDataUrl(text, param);
      // Before it is decoded; padding may hide three bytes.
      if (data.bytesAtMost > maxBytes + 3) throw tooLarge(param, maxBytes);
      return receive(data.bytes, claimedType(data.claimedType));
    }
    if (/^https?:/i.test(text)) {
      // What a server says of its bytes binds nobody: storage services often do not know.
      return receive(this.#fetcher.download({ url: text, maxBytes, param }), null);
    }
    throw new GatewayError('invalid_request', {
      message: `${param}: must be a data URL, an https URL or the id of an asset (ast_…).`,
      param,
    });
  }

  /** Reads an input whole, for who is bounded by a small `maxBytes`. @throws as {@link resolve} */
  async read(input: MediaInput, rules: InputRules): Promise<Buffer> {
    const file = await this.resolve(input, rules);
    try {
      return await readFile(file.path);
    } finally {
      await file.release();
    }
  }

  async close(): Promise<void> {
    await this.#fetcher.close();
  }

  async #lend(id: string, rules: InputRules, maxBytes: number): Promise<MediaFile> {
    const { param, kinds, customerId } = rules;
    const asset = await this.#assets.find(id, customerId);
    const file = asset === null ? null : await this.#assets.lend(asset);
    if (file === null) {
      throw new GatewayError('not_found', {
        message: `${param}: there is no asset "${id.slice(0, 100)}".`,
        param,
      });
    }
    const fault =
      file.bytes > maxBytes
        ? tooLarge(param, maxBytes)
        : kinds.includes(file.kind)
          ? null
          : new GatewayError('unsupported_media_type', {
              message: `${param}: must be ${kinds.join(' or ')}, but the asset is ${file.type}.`,
              param,
            });
    if (fault === null) return file;
    await file.release();
    throw fault;
  }
}

function tooLarge(param: string, maxBytes: number): GatewayError {
  return new GatewayError('payload_too_large', {
    message: `${param}: larger than the ${maxBytes} bytes that are taken.`,
    param,
  });
}
