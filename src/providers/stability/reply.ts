/**
 * What comes back: a picture in JSON (`image`, or `result` of one that was waited for), or as bare bytes with its facts in headers.
 *
 * @module
 */
import type { ImageGenerationResult } from '../../contracts/image-provider.ts';
import { ProviderFailureError, providerFailure } from '../../contracts/provider-failure.ts';
import type { WireReply } from '../../contracts/wire.ts';
import { mediaTypeOf } from '../../http/media-type.ts';
import { textOf, type LooseObject } from '../openai-compatible/loose-json.ts';
import { jsonObjectOf, malformed } from '../replies.ts';
import { failureOf } from './errors.ts';

/** Billed as one picture, whatever the operation. */
const ONE_IMAGE = { images: 1 } as const;

/** The reply as one JSON object. @throws ProviderFailureError where it is none, or an error */
export function objectReply(reply: WireReply): LooseObject {
  const parsed = jsonObjectOf(reply);
  if (Array.isArray(parsed['errors'])) throw new ProviderFailureError(failureOf(500, parsed));
  return parsed;
}

/** A finished picture. */
export interface Picture {
  readonly bytes: Buffer;
  readonly mediaType: string;
}

/** A picture that was made and then blurred: it is billed, and is of no use. */
function filtered(): ProviderFailureError {
  return new ProviderFailureError(
    providerFailure({
      kind: 'content_filtered',
      status: 200,
      providerCode: 'CONTENT_FILTERED',
      message: 'The picture was made and then blurred by the content filter of the provider.',
      usage: ONE_IMAGE,
    }),
  );
}

function pictureOf(bytes: Buffer, finishReason: string | null): Picture {
  if (finishReason === 'CONTENT_FILTERED') throw filtered();
  const mediaType = mediaTypeOf(bytes);
  if (mediaType === null || !mediaType.startsWith('image/')) {
    throw malformed('Stability sent something that is no picture.');
  }
  return { bytes, mediaType };
}

/**
 * The picture of a 200 reply.
 *
 * @throws ProviderFailureError `content_filtered` for one that was blurred, with what it is billed for
 */
export function readPicture(reply: WireReply): Picture {
  if ((reply.headers['content-type'] ?? '').startsWith('image/')) {
    return pictureOf(reply.body, reply.headers['finish-reason'] ?? null);
  }
  const body = objectReply(reply);
  const encoded = textOf(body['image']) ?? textOf(body['result']);
  if (encoded === null) throw malformed('Stability sent no picture.');
  return pictureOf(Buffer.from(encoded, 'base64'), textOf(body['finish_reason']));
}

/** What every operation is billed for when it succeeds. */
export const FACTS = { usage: ONE_IMAGE, modelServed: null, dimensions: {} } as const;

/** The result of an operation that is answered at once. */
export function readResult(reply: WireReply): ImageGenerationResult {
  const { bytes, mediaType } = readPicture(reply);
  return {
    ...FACTS,
    images: [{ bytes, url: null, mediaType, revisedPrompt: null }],
    size: null,
    quality: null,
    background: null,
    outputFormat: mediaType.slice('image/'.length),
  };
}
