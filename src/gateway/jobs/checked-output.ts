/**
 * What is done to a picture that a job has made before it is kept, as to any other picture: it is noted who made it, and a
 * moderation judges it.
 *
 * @module
 */
import { withGeneratedBy } from '../../media/generated-by.ts';
import { extensionOf } from '../../media/media-type.ts';
import type { MediaFile } from '../../media/staging.ts';
import { reviewAfter } from '../content-review.ts';
import type { Gateway } from '../gateway.ts';

async function* one(bytes: Buffer): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes);
}

/** The file to keep in place of `file`; the very same where the picture says itself who made it. */
async function noted(gateway: Gateway, file: MediaFile, bytes: Buffer): Promise<MediaFile> {
  const { generatedBy } = gateway.settings;
  const changed = generatedBy === null ? bytes : withGeneratedBy(bytes, generatedBy);
  if (changed === bytes) return file;
  const { assets } = gateway;
  const reception = { maxBytes: assets.maxBytes, param: 'result', claimedType: null };
  const next = await assets.receive(one(changed), reception);
  await file.release();
  return next;
}

/**
 * A file as it may be kept. Sound and clips, and pictures larger than a reply may be, are left as they are.
 *
 * @throws GatewayError `content_filtered` for what the moderation refuses, and what it throws where it cannot judge; the file is
 *   released by then
 */
export async function checkedOutput(gateway: Gateway, file: MediaFile): Promise<MediaFile> {
  const { review, settings } = gateway;
  const isAsked = settings.generatedBy !== null || review?.after === true;
  if (!isAsked || file.kind !== 'image' || file.bytes > settings.maxReplyBytes) return file;
  let checked = file;
  try {
    checked = await noted(gateway, file, await gateway.assets.bytesOf(file));
    if (review?.after !== true) return checked;
    const bytes = await gateway.assets.bytesOf(checked);
    const fileName = `result.${extensionOf(checked.type)}`;
    await reviewAfter(gateway, [{ bytes, mediaType: checked.type, fileName }]);
    return checked;
  } catch (error) {
    await checked.release();
    throw error;
  }
}
