/**
 * Nothing that is billed gets past the hold by way of a provider's own options.
 *
 * @module
 */
import { expect, test } from 'vitest';
import { optionsFor } from './provider-options.ts';

test('options of the provider alone are handed on as they are, those of others are not', () => {
  const options = {
    fal: { enable_safety_checker: false, loras: [{ path: 'a' }] },
    openai: { x: 1 },
  };
  expect(optionsFor(options, 'fal')).toEqual(options.fal);
  expect(optionsFor(options, 'wavespeed')).toEqual({});
  expect(optionsFor(null, 'fal')).toEqual({});
});

test.each([
  'n',
  'num_images',
  'numImages',
  'model',
  'duration',
  'image_size',
  'target_resolution',
  'num-inference-steps',
  'response_format',
  'webhook_url',
])('%s is refused, naming it', (name) => {
  expect(() => optionsFor({ fal: { [name]: 9 } }, 'fal')).toThrow(
    expect.objectContaining({ code: 'invalid_request', param: `provider_options.fal.${name}` }),
  );
});
