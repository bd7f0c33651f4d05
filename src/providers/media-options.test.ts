/**
 * What a model's table lets through, and what it says of the rest.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import { mediaModelOf, type MediaModel } from '../contracts/media-model.ts';
import { checkMediaOptions } from './media-options.ts';

const model: MediaModel = {
  id: 'clip-1',
  operation: 'video.text_to_video',
  options: {
    seconds: { type: 'range', min: 5, max: 15, step: 5 },
    resolution: { type: 'one_of', values: ['720p', '1080p'] },
    prompt: { type: 'text', maxChars: 10 },
    audio: { type: 'flag' },
    images: { type: 'files', max: 2 },
  },
  source: 'https://example.com',
};
const check = (asked: Parameters<typeof checkMediaOptions>[1]) =>
  checkMediaOptions(model, asked, new Set(['images', 'last_image']));

describe('options of a media model', () => {
  test('what is taken passes unchanged and unmentioned', () => {
    const asked = { seconds: 10, resolution: '720p', prompt: 'a cat', audio: true, images: 2 };
    expect(check(asked)).toEqual({ values: asked, warnings: [] });
  });

  test.each([
    [4, 5],
    [6, 10],
    [99, 15],
  ])('%i seconds become %i, and the warning says so', (given, sent) => {
    const { values, warnings } = check({ seconds: given });
    expect(values).toEqual({ seconds: sent });
    expect(warnings).toMatchObject([{ option: 'seconds', action: 'clamped' }]);
  });

  test('an option that the model does not have is dropped and named', () => {
    const { values, warnings } = check({ seed: 7, negative_prompt: null });
    expect(values).toEqual({});
    expect(warnings).toMatchObject([{ option: 'seed', action: 'dropped' }]);
  });

  test.each([
    [{ resolution: '4k' }, 'resolution'],
    [{ prompt: 'a very long prompt' }, 'prompt'],
    [{ images: 3 }, 'images'],
    [{ last_image: 1 }, 'last_image'],
    [{ seconds: 'many' }, 'seconds'],
  ])('%j is refused, naming the field', (asked, param) => {
    expect(() => check(asked)).toThrow(expect.objectContaining({ code: 'invalid_request', param }));
  });

  test('a table finds the exact model before its family, and the closest family', () => {
    const of = (id: string): MediaModel => ({ ...model, id });
    const models = [of('a*'), of('a/b*'), of('a/b/c')];
    const found = (id: string) => mediaModelOf(models, id, 'video.text_to_video')?.id;
    expect([found('a/b/c'), found('a/b/d'), found('a/x'), found('z')]).toEqual([
      'a/b/c',
      'a/b*',
      'a*',
      undefined,
    ]);
  });
});
