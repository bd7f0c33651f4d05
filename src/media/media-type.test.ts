import { expect, test } from 'vitest';
import { mediaTypeOf } from '../http/media-type.ts';
import { SAMPLES } from '../../test/support/media-samples.ts';
import { agrees, sniffBytes } from './media-type.ts';

/** Codecs cannot wait for the library that stored media is judged by, so they have a reader of signatures: it must not differ. */
test.each(SAMPLES)('codecs and the store take a file for the same: %s', async (type, bytes) => {
  expect(await sniffBytes(bytes)).toBe(type);
  const seen = mediaTypeOf(bytes);
  expect(seen === null ? null : agrees(seen, type)).toBe(true);
});

test.each([['text'], ['<svg/>'], ['<html>'], ['%PDF-1.7'], ['RIFF1234AVI ']])(
  'neither takes %s for media',
  async (text) => {
    expect([mediaTypeOf(Buffer.from(text)), await sniffBytes(Buffer.from(text))]).toEqual([
      null,
      null,
    ]);
  },
);
