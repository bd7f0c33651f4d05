import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../../contracts/usage.ts';
import { readUsage } from './usage.ts';

const detail = (modality: string, tokenCount: number) => ({ modality, tokenCount });

describe('readUsage', () => {
  it.each<[string, object, UsageVector]>([
    [
      'thoughts apart from visible output',
      {
        promptTokenCount: 9,
        candidatesTokenCount: 28,
        thoughtsTokenCount: 244,
        totalTokenCount: 281,
      },
      { input_text_tokens: 9, output_text_tokens: 28, reasoning_tokens: 244 },
    ],
    [
      'cached input out of the prompt, by modality',
      {
        promptTokenCount: 100,
        cachedContentTokenCount: 60,
        promptTokensDetails: [
          detail('TEXT', 40),
          detail('AUDIO', 30),
          detail('IMAGE', 20),
          detail('VIDEO', 10),
        ],
        cacheTokensDetails: [detail('AUDIO', 25), detail('IMAGE', 20), detail('TEXT', 15)],
        totalTokenCount: 100,
      },
      {
        input_text_tokens: 25,
        input_audio_tokens: 5,
        input_video_tokens: 10,
        cache_read_tokens: 35,
        cache_read_audio_tokens: 25,
      },
    ],
    [
      'a cache without details from text first',
      {
        promptTokenCount: 100,
        cachedContentTokenCount: 90,
        promptTokensDetails: [detail('TEXT', 40), detail('AUDIO', 60)],
      },
      { input_audio_tokens: 10, cache_read_tokens: 40, cache_read_audio_tokens: 50 },
    ],
    [
      'tool-use prompts as input',
      {
        promptTokenCount: 10,
        toolUsePromptTokenCount: 7,
        toolUsePromptTokensDetails: [detail('IMAGE', 3)],
        candidatesTokenCount: 1,
        totalTokenCount: 18,
      },
      { input_text_tokens: 14, input_image_tokens: 3, output_text_tokens: 1 },
    ],
    [
      'media output',
      {
        candidatesTokenCount: 1307,
        candidatesTokensDetails: [detail('IMAGE', 1290), detail('AUDIO', 7)],
        totalTokenCount: 1307,
      },
      { output_text_tokens: 10, output_audio_tokens: 7, output_image_tokens: 1290 },
    ],
    [
      'details beyond their total cut',
      {
        promptTokenCount: 5,
        promptTokensDetails: [detail('AUDIO', 3), detail('IMAGE', 9)],
        totalTokenCount: 5,
      },
      { input_audio_tokens: 3, input_image_tokens: 2 },
    ],
    [
      'a cache beyond the prompt cut',
      { promptTokenCount: 5, cachedContentTokenCount: 9 },
      { cache_read_tokens: 5 },
    ],
    [
      'documents and new modalities as text',
      { promptTokenCount: 5, promptTokensDetails: [detail('DOCUMENT', 3), detail('SMELL', 2)] },
      { input_text_tokens: 5 },
    ],
    [
      'output that only the total knows as reasoning',
      { promptTokenCount: 5, candidatesTokenCount: 2, totalTokenCount: 30 },
      { input_text_tokens: 5, output_text_tokens: 2, reasoning_tokens: 23 },
    ],
    [
      'thoughts counted within candidates once',
      { promptTokenCount: 5, candidatesTokenCount: 20, thoughtsTokenCount: 8, totalTokenCount: 25 },
      { input_text_tokens: 5, output_text_tokens: 12, reasoning_tokens: 8 },
    ],
    [
      'negative and absurd counts as nothing',
      {
        promptTokenCount: -5,
        candidatesTokenCount: 1.5,
        thoughtsTokenCount: 'many',
        totalTokenCount: 1e300,
      },
      {},
    ],
  ])('books %s', (_name, metadata, expected) => {
    expect(readUsage(metadata, 0)).toEqual(expected);
  });

  it.each([null, undefined, 'x', [], {}, { trafficType: 'ON_DEMAND' }])(
    '%j counts nothing',
    (metadata) => {
      expect(readUsage(metadata, 3)).toBeNull();
    },
  );

  it('cuts counts that no answer can have, whose price might not fit the ledger', () => {
    const usage = readUsage(
      {
        promptTokenCount: Number.MAX_SAFE_INTEGER,
        candidatesTokenCount: 1e300,
        thoughtsTokenCount: -3,
      },
      0,
    );
    expect(usage).toEqual({ input_text_tokens: 1_000_000_000, output_text_tokens: 1_000_000_000 });
  });

  it('adds searches', () => {
    expect(readUsage({ promptTokenCount: 1 }, 2)).toEqual({
      input_text_tokens: 1,
      web_searches: 2,
    });
  });

  it('adds up to the total whatever the details say', () => {
    const count = fc.integer({ min: 0, max: 1000 });
    const details = fc.array(
      fc.record({
        modality: fc.constantFrom('TEXT', 'IMAGE', 'AUDIO', 'VIDEO', 'DOCUMENT'),
        tokenCount: fc.integer({ min: -9, max: 1500 }),
      }),
    );
    const metadata = fc.record({
      promptTokenCount: count,
      cachedContentTokenCount: count,
      candidatesTokenCount: count,
      thoughtsTokenCount: count,
      toolUsePromptTokenCount: count,
      promptTokensDetails: details,
      cacheTokensDetails: details,
      candidatesTokensDetails: details,
      toolUsePromptTokensDetails: details,
    });
    fc.assert(
      fc.property(metadata, (counts) => {
        const input = counts.promptTokenCount + counts.toolUsePromptTokenCount;
        const output = counts.candidatesTokenCount + counts.thoughtsTokenCount;
        const usage = readUsage({ ...counts, totalTokenCount: input + output }, 0) ?? {};
        expect(inputTokensOf(usage)).toBe(input);
        expect(outputTokensOf(usage)).toBe(output);
        expect(Math.min(0, ...Object.values(usage))).toBe(0);
      }),
    );
  });
});
