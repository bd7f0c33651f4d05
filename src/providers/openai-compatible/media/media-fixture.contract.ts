/**
 * Calls and replies of OpenAI's media routes, for the suite of every server that speaks them. Replies have the members of
 * recorded ones.
 *
 * @module
 */
import { expect } from 'vitest';
import type { ImageOptions } from '../../../contracts/image-provider.ts';
import type { MediaInput } from '../../../contracts/media.ts';
import type { ProviderDefinition } from '../../../contracts/provider.ts';
import { PICTURE_VARIANTS, PLAIN_PICTURE } from '../../image-samples.contract.ts';
import type { MediaProviderFixture } from '../../media.contract.ts';

/** The smallest PNG there is. */
const PNG =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const picture: MediaInput = {
  bytes: Buffer.from(PNG, 'base64'),
  mediaType: 'image/png',
  fileName: 'image.png',
};
const recording: MediaInput = {
  bytes: Buffer.from('RIFF....WAVE'),
  mediaType: 'audio/wav',
  fileName: 'file.wav',
};

const imageOptions: ImageOptions = { ...PLAIN_PICTURE, n: 2, size: '1024x1024' };

const imageVariants: readonly Partial<ImageOptions>[] = [
  ...PICTURE_VARIANTS,
  { n: 1 },
  { size: '1024x1536' },
  { style: 'vivid' },
];

const imagesReply = {
  created: 1_787_150_086,
  data: [{ b64_json: PNG }, { b64_json: PNG, revised_prompt: 'a tall lighthouse' }],
  output_format: 'png',
  quality: 'high',
  size: '1024x1024',
  usage: {
    input_tokens: 30,
    input_tokens_details: { image_tokens: 20, text_tokens: 10 },
    output_tokens: 500,
    output_tokens_details: { image_tokens: 400, text_tokens: 100 },
    total_tokens: 530,
  },
};
const imagesUsage = {
  input_text_tokens: 10,
  input_image_tokens: 20,
  output_image_tokens: 400,
  output_text_tokens: 100,
  images: 2,
};
const brokenImages = [
  { data: [] },
  { created: 1 },
  { data: [{ b64_json: Buffer.from('<html>no picture</html>').toString('base64') }] },
];

/** A fixture for a server of this protocol, by the names of its models. */
export function mediaConformance(
  definition: ProviderDefinition,
  models: {
    readonly image: string;
    readonly speech: string;
    readonly transcription: string;
    readonly embedding: string;
  },
): MediaProviderFixture {
  const images = {
    model: models.image,
    reply: imagesReply,
    usage: imagesUsage,
    broken: brokenImages,
    check: ({
      images: made,
    }: {
      readonly images: readonly { readonly bytes: Buffer | null }[];
    }) => {
      expect(made.map(({ bytes }) => bytes?.toString('base64'))).toEqual([PNG, PNG]);
    },
  };
  return {
    definition,
    inBandError: { error: { message: 'The server had an error', type: 'server_error' } },
    generate: { ...images, options: imageOptions, variants: imageVariants },
    edit: {
      ...images,
      options: {
        ...imageOptions,
        images: [picture],
        mask: null,
        inputFidelity: null,
        mode: null,
        search: null,
        expand: null,
        strength: null,
      },
      variants: [
        ...imageVariants,
        { images: [picture, picture] },
        { mask: picture },
        { inputFidelity: 'high' },
        { search: 'the sky' },
        { strength: 0.5 },
      ],
    },
    speak: {
      model: models.speech,
      options: {
        text: 'Grüß dich 👋',
        voice: 'alloy',
        instructions: null,
        format: 'mp3',
        speed: null,
        extra: {},
      },
      variants: [
        { text: 'Hello' },
        { voice: 'echo' },
        { instructions: 'slowly' },
        { format: 'wav' },
        { speed: 2 },
        { extra: { further: 'option' } },
      ],
      usage: { characters: 11 },
    },
    transcribe: {
      model: models.transcription,
      options: {
        audio: recording,
        durationMs: 3700,
        task: 'transcribe',
        language: null,
        prompt: null,
        temperature: null,
        timestamps: ['segment'],
        speakers: false,
        extra: {},
      },
      variants: [
        { language: 'en' },
        { prompt: 'ALwrity' },
        { temperature: 0.5 },
        { timestamps: ['word'] },
        { timestamps: [] },
        { extra: { further: 'option' } },
      ],
      reply: {
        task: 'transcribe',
        language: 'english',
        duration: 3.7,
        text: 'Hello there.',
        segments: [{ id: 0, start: 0, end: 3.7, text: 'Hello there.', avg_logprob: -0.2 }],
        usage: { type: 'duration', seconds: 4 },
      },
      usage: { audio_ms: 4000 },
      broken: [{ duration: 3 }, { text: null }],
      check: ({ text, segments }) => {
        expect(text).toBe('Hello there.');
        expect(segments).toMatchObject([{ start: 0, end: 3.7, details: { avg_logprob: -0.2 } }]);
      },
    },
    embed: {
      model: models.embedding,
      options: {
        inputs: ['one', 'two'],
        dimensions: null,
        encoding: 'float',
        user: null,
        extra: {},
      },
      variants: [
        { inputs: ['one'] },
        { inputs: [[1, 2, 3]] },
        { dimensions: 8 },
        { encoding: 'base64' },
        { user: 'user-1' },
        { extra: { further: 'option' } },
      ],
      reply: {
        object: 'list',
        model: models.embedding,
        data: [
          { object: 'embedding', index: 1, embedding: [0.5, 0.25] },
          { object: 'embedding', index: 0, embedding: 'AAAAPwAAgD4=' },
        ],
        usage: { prompt_tokens: 7, total_tokens: 7 },
      },
      usage: { input_text_tokens: 7, inputs: 2 },
      broken: [
        { data: [] },
        { data: [{ index: 0, embedding: [1] }] },
        {
          data: [
            { index: 0, embedding: [1] },
            { index: 5, embedding: [1] },
          ],
        },
        {
          data: [
            { index: 0, embedding: [] },
            { index: 1, embedding: [1] },
          ],
        },
        {
          data: [
            { index: 0, embedding: 'AAA=' },
            { index: 1, embedding: [1] },
          ],
        },
      ],
      check: ({ vectors }) => {
        expect(vectors).toEqual([
          [0.5, 0.25],
          [0.5, 0.25],
        ]);
      },
    },
  };
}
