import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputTokensOf, outputTokensOf } from '../../contracts/usage.ts';
import { usageOfFrame, usageVector } from './usage.ts';

describe('usage as disjoint classes', () => {
  test.each<[string, object, object | null]>([
    [
      'reasoning inside the completion (OpenAI)',
      {
        prompt_tokens: 100,
        completion_tokens: 50,
        total_tokens: 150,
        prompt_tokens_details: { cached_tokens: 64, audio_tokens: 10, cache_write_tokens: 6 },
        completion_tokens_details: { reasoning_tokens: 32, audio_tokens: 3 },
      },
      {
        input_text_tokens: 20,
        cache_read_tokens: 64,
        cache_write_tokens: 6,
        input_audio_tokens: 10,
        reasoning_tokens: 32,
        output_audio_tokens: 3,
        output_text_tokens: 15,
      },
    ],
    [
      'reasoning beside the completion (xAI)',
      {
        prompt_tokens: 12,
        completion_tokens: 2,
        total_tokens: 354,
        completion_tokens_details: { reasoning_tokens: 340 },
      },
      { input_text_tokens: 12, output_text_tokens: 2, reasoning_tokens: 340 },
    ],
    [
      'audio beside the prompt (Mistral)',
      {
        prompt_tokens: 9,
        completion_tokens: 201,
        total_tokens: 585,
        prompt_tokens_details: { audio_tokens: 375 },
      },
      { input_text_tokens: 9, input_audio_tokens: 375, output_text_tokens: 201 },
    ],
    [
      'cache beside the prompt',
      {
        prompt_tokens: 10,
        completion_tokens: 5,
        total_tokens: 115,
        prompt_tokens_details: { cached_tokens: 100 },
      },
      { input_text_tokens: 10, cache_read_tokens: 100, output_text_tokens: 5 },
    ],
    [
      'unexplained difference is output',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 20 },
      { input_text_tokens: 10, output_text_tokens: 10 },
    ],
    [
      'a total below its parts is no total',
      { prompt_tokens: 10, completion_tokens: 5, total_tokens: 12 },
      { input_text_tokens: 10, output_text_tokens: 5 },
    ],
    [
      'cache hits of DeepSeek',
      {
        prompt_tokens: 20,
        completion_tokens: 1,
        total_tokens: 21,
        prompt_cache_hit_tokens: 16,
        prompt_cache_miss_tokens: 4,
      },
      { input_text_tokens: 4, cache_read_tokens: 16, output_text_tokens: 1 },
    ],
    [
      'details larger than their totals',
      {
        prompt_tokens: 7,
        completion_tokens: 1,
        total_tokens: 8,
        prompt_tokens_details: { cached_tokens: 163 },
        completion_tokens_details: { reasoning_tokens: 9 },
      },
      { cache_read_tokens: 7, reasoning_tokens: 1 },
    ],
    [
      'cached images are cached input',
      {
        prompt_tokens: 265,
        completion_tokens: 52,
        total_tokens: 317,
        prompt_tokens_details: { cached_tokens: 162, text_tokens: 9, image_tokens: 256 },
      },
      { cache_read_tokens: 162, input_image_tokens: 103, output_text_tokens: 52 },
    ],
    [
      'cached audio',
      {
        prompt_tokens: 100,
        completion_tokens: 1,
        total_tokens: 101,
        prompt_tokens_details: { cached_tokens: 90, audio_tokens: 50 },
      },
      {
        input_audio_tokens: 10,
        cache_read_audio_tokens: 40,
        cache_read_tokens: 50,
        output_text_tokens: 1,
      },
    ],
    [
      'negative counts are no credit',
      {
        prompt_tokens: -5,
        completion_tokens: 3,
        total_tokens: -2,
        prompt_tokens_details: { cached_tokens: -9 },
      },
      { output_text_tokens: 3 },
    ],
    [
      'searches',
      {
        prompt_tokens: 1,
        completion_tokens: 1,
        total_tokens: 2,
        server_tool_use_details: { web_search_requests: 3 },
      },
      { input_text_tokens: 1, output_text_tokens: 1, web_searches: 3 },
    ],
    [
      'partial: no completion',
      { prompt_tokens: 4, total_tokens: 9 },
      { input_text_tokens: 4, output_text_tokens: 5 },
    ],
    ['partial: no total', { prompt_tokens: 4 }, { input_text_tokens: 4 }],
    [
      'other names',
      { input_tokens: 4, output_tokens: 2 },
      { input_text_tokens: 4, output_text_tokens: 2 },
    ],
    ['placeholder', { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, null],
    ['no counts', { cost: 0.1 }, null],
    ['strings', { prompt_tokens: '4' }, null],
  ])('%s', (_name, usage, expected) => {
    expect(usageVector(usage)).toEqual(expected);
  });

  test('missing usage is null', () => {
    expect(usageOfFrame({ choices: [] })).toBeNull();
    expect(usageOfFrame({ usage: null })).toBeNull();
  });

  test('x_groq.usage', () => {
    const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
    expect(usageOfFrame({ x_groq: { id: 'req_1', usage } })).toEqual({
      input_text_tokens: 3,
      output_text_tokens: 2,
    });
  });

  test('counts billed beside the total', () => {
    expect(
      usageVector(
        { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5, reasoning_tokens: 70 },
        { reasoning_tokens: 'reasoning_tokens' },
      ),
    ).toEqual({ input_text_tokens: 3, output_text_tokens: 2, reasoning_tokens: 70 });
  });

  test('absurd counts stay counts', () => {
    const vector = usageVector({
      prompt_tokens: 1e300,
      completion_tokens: 1.9,
      total_tokens: -1e300,
    });
    expect(vector).toEqual({ input_text_tokens: 1e9, output_text_tokens: 1 });
  });

  test('whatever a provider says, classes are whole, not negative, and sum to a total that can be true', () => {
    const count = fc.oneof(
      fc.integer({ min: -10, max: 2000 }),
      fc.constantFrom(undefined, null, 1e300, '7', Number.NaN),
    );
    const details = fc.record({
      cached_tokens: count,
      cache_write_tokens: count,
      audio_tokens: count,
      image_tokens: count,
      video_tokens: count,
      reasoning_tokens: count,
    });
    fc.assert(
      fc.property(
        fc.nat(5000),
        fc.nat(5000),
        fc.nat(5000),
        details,
        details,
        (prompt, completion, reasoning, promptDetails, completionDetails) => {
          const vector = usageVector({
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion + reasoning,
            prompt_tokens_details: { ...promptDetails, audio_tokens: 0 },
            completion_tokens_details: completionDetails,
          });
          if (vector === null) return expect(prompt + completion + reasoning).toBe(0);
          for (const units of Object.values(vector)) {
            expect(Number.isSafeInteger(units)).toBe(true);
            expect(units).toBeGreaterThan(0);
          }
          expect(inputTokensOf(vector) + outputTokensOf(vector)).toBe(
            prompt + completion + reasoning,
          );
        },
      ),
    );
  });
});
