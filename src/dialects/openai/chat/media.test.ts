import { describe, expect, it } from 'vitest';
import { NO_MEDIA } from '../../../gateway/text-call.ts';
import { mediaOf } from './media.ts';
import { chatRequestSchema } from './schema.ts';

function countsOf(...content: object[]) {
  return mediaOf(chatRequestSchema.parse({ model: 'm', messages: [{ role: 'user', content }] }));
}

const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const file = (members: object) => ({ type: 'file', file: members });

describe('mediaOf', () => {
  it('is the same nothing for words alone', () => {
    expect(countsOf({ type: 'text', text: 'hi' })).toEqual(NO_MEDIA);
    const words = { model: 'm', messages: [{ role: 'user', content: 'hi' }] };
    expect(mediaOf(chatRequestSchema.parse(words))).toBe(NO_MEDIA);
  });

  it('bounds a picture by itself, however many bytes it has', () => {
    const inline = `data:image/png;base64,${'A'.repeat(400_000)}`;
    expect(countsOf(image(inline))).toEqual({
      tokensMax: 36_835,
      imageBytes: inline.length,
      bytes: inline.length,
      expectedTokens: 1000,
    });
    expect(countsOf(image('https://x/y.png'), image(inline))).toMatchObject({
      tokensMax: 2 * 36_835,
      imageBytes: inline.length,
      expectedTokens: 2000,
    });
  });

  it('bounds what is no picture by its bytes, or not at all', () => {
    const pdf = `data:application/pdf;base64,${'A'.repeat(99_972)}`;
    expect(countsOf(image(pdf))).toMatchObject({ imageBytes: 0, bytes: 0 });
    expect(countsOf(file({ file_data: pdf }))).toEqual({
      tokensMax: 36_835,
      imageBytes: 0,
      bytes: 100_000,
      expectedTokens: 100,
    });
    const sound = { type: 'input_audio', input_audio: { data: 'A'.repeat(5000), format: 'mp3' } };
    expect(countsOf(sound)).toEqual({
      tokensMax: 0,
      imageBytes: 0,
      bytes: 5000,
      expectedTokens: 5,
    });
    const clip = { type: 'video_url', video_url: { url: 'https://x/y.mp4' } };
    for (const part of [clip, file({ file_data: 'https://x/y.pdf' })])
      expect(countsOf(part, image('https://x/y.png'))).toMatchObject({ tokensMax: null });
    expect(countsOf(file({ file_id: 'file-1' }))).toMatchObject({ tokensMax: 36_835 });
  });
});
