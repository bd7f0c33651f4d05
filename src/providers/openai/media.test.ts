import { expect, test } from 'vitest';
import { mediaConformance } from '../openai-compatible/media/media-fixture.contract.ts';
import { describeMediaProvider } from '../media.contract.ts';
import { openAi } from './provider.ts';

describeMediaProvider(
  mediaConformance(openAi, {
    image: 'gpt-image-1',
    speech: 'gpt-4o-mini-tts',
    transcription: 'whisper-1',
    embedding: 'text-embedding-3-small',
  }),
);

function requestOf(model: string, n: number): object {
  const exchange = openAi.imageGeneration?.generate(
    {
      prompt: 'x',
      negativePrompt: null,
      n,
      size: null,
      quality: null,
      style: null,
      background: null,
      outputFormat: null,
      outputCompression: null,
      moderation: null,
      guidanceScale: null,
      steps: null,
      seed: null,
      user: null,
      extra: {},
    },
    { model, baseUrl: '', credential: 'k', settings: {} },
  );
  return JSON.parse(exchange?.request.body?.toString() ?? '{}') as object;
}

test('gpt-image is never asked for a form of its reply, which it refuses', () => {
  expect(requestOf('gpt-image-1.5', 1)).not.toHaveProperty('response_format');
  expect(requestOf('dall-e-3', 1)).toHaveProperty('response_format', 'b64_json');
});

test('dall-e-3 makes one picture a call', () => {
  expect(() => requestOf('dall-e-3', 2)).toThrow(/at most 1/);
});
