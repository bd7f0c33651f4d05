import { describe, expect, it } from 'vitest';
import { OPERATIONS, type Operation } from '../contracts/metering.ts';
import { formatUsd, parseUsd } from '../contracts/money.ts';
import { boundOperation, type OperationBound } from './operation-bound.ts';
import type { OperationSpec } from './operation-spec.ts';
import { UNKNOWN_MODEL } from './model-facts.ts';
import { createPriceBook } from './price-book.ts';
import type { PriceRow } from './price-row.ts';
import { seedPriceRows } from './seed.ts';

const BOOK = createPriceBook(seedPriceRows());
const NOW = Date.UTC(2026, 10, 27);

function boundOf(model: string, spec: OperationSpec): ReturnType<typeof boundOperation> {
  const slash = model.indexOf('/');
  const item = BOOK.find(model.slice(0, slash), model.slice(slash + 1), NOW);
  if (item === null) throw new Error(`${model} has no price`);
  return boundOperation(item, UNKNOWN_MODEL, spec);
}

function priced(model: string, spec: OperationSpec): OperationBound {
  const bound = boundOf(model, spec);
  if ('problem' in bound) throw new Error(`${model}: ${bound.problem} ${bound.param ?? ''}`);
  return bound;
}

function usd({ cost }: OperationBound): readonly string[] {
  return [cost.minNanoUsd, cost.expectedNanoUsd, cost.maxNanoUsd].map(formatUsd);
}

function itemOf(row: Partial<PriceRow>) {
  const [item] = createPriceBook([{ provider: 'p', model: 'm', rates: {}, ...row }]).items;
  if (item === undefined) throw new Error('no item');
  return item;
}

const video = (more: OperationSpec['video']): OperationSpec => ({
  operation: 'video.text_to_video',
  video: more,
});
const image = (more: OperationSpec['image'], operation: Operation = 'image.generate') => ({
  operation,
  image: more,
});

describe('boundOperation prices media exactly', () => {
  it.each<readonly [string, OperationSpec, string]>([
    ['sim/image', image({ n: 4, size: '1024x1024' }), '0.008'],
    ['sim/image', image({}), '0.002'],
    ['sim/image', image({ n: 2, size: '1536*1024', quality: 'HD' }), '0.012'],
    ['sim/image-edit', image({ n: 1 }, 'image.edit'), '0.003'],
    ['sim/face-swap', image({}, 'image.face_swap'), '0.002'],
    ['sim/upscale', { operation: 'image.upscale', options: { mode: 'creative' } }, '0.006'],
    ['sim/remove-background', image({ size: '1000x1000' }, 'image.remove_background'), '0.0005'],
    ['sim/remove-background', image({ size: '1001x1000' }, 'image.remove_background'), '0.001'],
    ['sim/speech', { operation: 'audio.speech', audio: { chars: 5400 } }, '0.054'],
    ['sim/speech', { operation: 'audio.speech', audio: { chars: 3 } }, '0.0001'],
    ['sim/transcribe', { operation: 'audio.transcribe', audio: { seconds: 60.2 } }, '0.00061'],
    ['sim/voice-clone', { operation: 'audio.clone_voice' }, '0.005'],
    ['sim/video', video({ seconds: 6, resolution: '1080p', audio: true }), '0.036'],
    ['sim/video', video({ seconds: 1 }), '0.008'],
    ['sim/video', video({}), '0.01'],
    ['openai/dall-e-3', image({ size: '1792x1024', quality: 'hd' }), '0.12'],
    ['openai/whisper-1', { operation: 'audio.transcribe', audio: { seconds: 90 } }, '0.009'],
    ['openai/sora-2-pro', video({ seconds: 8, size: '1792x1024' }), '4'],
    ['gemini/veo-3.1-generate-preview', video({ seconds: 4, resolution: '4k' }), '2.4'],
    ['gemini/veo-3.1-fast-generate-preview', video({ size: '1920x1080' }), '0.96'],
    ['gemini/imagen-4.0-generate-001', image({ n: 3 }), '0.12'],
    ['stability/ultra', image({}), '0.08'],
    ['stability/upscale-creative', image({}, 'image.upscale'), '0.6'],
    ['huggingface/tencent/HunyuanVideo', video({ seconds: 5 }), '0.1'],
    ['wavespeed/qwen-image', image({ n: 2 }), '0.06'],
    ['wavespeed/ideogram-v3-turbo', image({}), '0.05'],
    ['wavespeed/flux-kontext-pro', image({}, 'image.edit'), '0.04'],
    [
      'wavespeed/google/nano-banana-pro/edit-ultra',
      image({ resolution: '8k' }, 'image.edit'),
      '0.18',
    ],
    ['wavespeed/wavespeed-ai/image-face-swap-pro', image({}, 'image.face_swap'), '0.025'],
    ['wavespeed/akool/image-face-swap', image({}, 'image.face_swap'), '0.16'],
    ['wavespeed/hunyuan-video-1.5', video({ seconds: 8, resolution: '480p' }), '0.16'],
    ['wavespeed/ltx-2-pro', video({ seconds: 10 }), '0.6'],
    ['wavespeed/alibaba/wan-2.5/text-to-video', video({ seconds: 5, size: '832*480' }), '0.25'],
    ['wavespeed/seedance-1.5-pro', video({ seconds: 5 }), '0.26'],
    ['wavespeed/seedance-1.5-pro', video({ seconds: 5, audio: false }), '0.13'],
    ['wavespeed/kwaivgi/kling-v2.5-turbo-std/image-to-video', video({ seconds: 5 }), '0.21'],
    ['wavespeed/kwaivgi/kling-v2.5-turbo-std/image-to-video', video({ seconds: 10 }), '0.42'],
    [
      'wavespeed/infinitetalk',
      { operation: 'video.talking_avatar', audio: { seconds: 2 } },
      '0.15',
    ],
    [
      'wavespeed/hunyuan-avatar',
      { operation: 'video.talking_avatar', audio: { seconds: 12 }, video: { resolution: '720p' } },
      '0.9',
    ],
    [
      'wavespeed/video-background-remover',
      { operation: 'video.remove_background', video: { seconds: 3600 } },
      '6',
    ],
    ['wavespeed/video-face-swap', { operation: 'video.face_swap', video: { seconds: 1 } }, '0.05'],
    ['wavespeed/think-sound', { operation: 'video.add_sound', video: { seconds: 30 } }, '0.05'],
    [
      'wavespeed/minimax/speech-02-hd',
      { operation: 'audio.speech', audio: { chars: 1000 } },
      '0.05',
    ],
    ['wavespeed/minimax/voice-clone', { operation: 'audio.clone_voice' }, '0.5'],
    [
      'wavespeed/wavespeed-ai/qwen3-tts/voice-clone',
      { operation: 'audio.clone_voice', audio: { chars: 101 } },
      '0.01',
    ],
    [
      'wavespeed/wavespeed-ai/openai-whisper',
      { operation: 'audio.transcribe', audio: { seconds: 100 }, options: { timestamps: 'on' } },
      '0.2',
    ],
    [
      'elevenlabs/eleven_multilingual_v2',
      { operation: 'audio.speech', audio: { chars: 100 } },
      '0.018',
    ],
  ])('%s %j costs $%s', (model, spec, expected) => {
    const bound = priced(model, spec);
    const cost = formatUsd(parseUsd(expected, 'expected'));
    expect(usd(bound)).toEqual([cost, cost, cost]);
    expect(bound.confidence).toBe('exact');
    expect(bound.fixed.cost_usd).toBe(parseUsd(expected, 'expected'));
    const sum = bound.lines.reduce(
      (total, line) => total + BigInt(line.billed) * line.nanoUsdPerMillion,
      0n,
    );
    expect(sum).toBe(parseUsd(expected, 'expected') * 1_000_000n);
  });
});

describe('boundOperation says what stays open', () => {
  it('shows a range where the provider chooses the quality', () => {
    const bound = priced('openai/gpt-image-1', {
      ...image({ size: '1024x1024', quality: 'auto' }),
      text: { inputTokens: 100 },
    });
    // 100 × $5/M, then 272, 1,056 or 4,160 tokens × $40/M
    expect(usd(bound)).toEqual(['0.011380000', '0.166900000', '0.166900000']);
    expect(bound.confidence).toBe('heuristic');
    expect(bound.fixed).toEqual({
      requests: 1n,
      images: 1n,
      input_tokens: 100n,
      output_tokens: 4160n,
      total_tokens: 4260n,
      cost_usd: 166_900_000n,
    });
  });

  it('counts what goes in once for every call that is needed', () => {
    const spec = { ...image({ n: 3, inputs: 2 }, 'image.edit'), text: { inputTokens: 1000 } };
    const once = priced('gemini/gemini-2.5-flash-image', spec);
    const thrice = priced('gemini/gemini-2.5-flash-image', { ...spec, calls: 3 });
    // 1,000 tokens of text and 2 × 1,290 of pictures; 1,290 for each picture that is made.
    expect([once.fixed.input_tokens, once.fixed.output_tokens]).toEqual([3580n, 3870n]);
    expect([thrice.fixed.input_tokens, thrice.fixed.output_tokens]).toEqual([10_740n, 3870n]);
    expect([once.fixed.requests, thrice.fixed.requests]).toEqual([1n, 1n]);
  });

  it('counts the drafts of a streamed picture', () => {
    const low = image({ size: '1024x1024', quality: 'low' });
    const drafted = image({ size: '1024x1024', quality: 'low', drafts: 3 });
    const [plain, more] = [low, drafted].map((spec) => priced('openai/gpt-image-1', spec));
    expect([plain?.fixed.output_tokens, more?.fixed.output_tokens]).toEqual([272n, 572n]);
  });

  it('knows the tokens of an image by its resolution', () => {
    const bound = priced('gemini/gemini-2.5-flash-image', {
      ...image({ n: 1 }),
      text: { inputTokens: 1000 },
    });
    expect(usd(bound)).toEqual(['0.039000000', '0.039000000', '0.039000000']);
    expect(bound.confidence).toBe('exact');
  });

  it.each([
    ['1K', 1120n],
    ['1024x1536', 1120n],
    ['2048x2048', 1680n],
    ['4k', 2520n],
  ])('sorts a size of %s into the class that the model is sold by', (size, tokens) => {
    const bound = priced('gemini/gemini-3.1-flash-image-preview', {
      ...image({ size }),
      text: { inputTokens: 10 },
    });
    expect((bound.fixed.output_tokens ?? 0n) - 4000n).toBe(tokens);
  });

  it.each<readonly [string, OperationSpec, { problem: string; param?: string }]>([
    ['sim/chat', image({}), { problem: 'unpriced_model' }],
    ['sim/image', video({ seconds: 5 }), { problem: 'unpriced_model' }],
    [
      'openai/dall-e-3',
      image({ size: '64x64' }),
      { problem: 'unpriced_model', param: 'image.size' },
    ],
    [
      'sim/video',
      video({ resolution: '8k' }),
      { problem: 'unpriced_model', param: 'video.resolution' },
    ],
    [
      'sim/speech',
      { operation: 'audio.speech' },
      { problem: 'unbounded_cost', param: 'input.chars' },
    ],
    [
      'openai/whisper-1',
      { operation: 'audio.transcribe' },
      { problem: 'unbounded_cost', param: 'input.seconds' },
    ],
    [
      'wavespeed/infinitetalk',
      { operation: 'video.talking_avatar' },
      { problem: 'unbounded_cost', param: 'video.seconds' },
    ],
    ['sim/embed', { operation: 'text.embed' }, { problem: 'unbounded_cost', param: 'input' }],
    ['sim/chat', { operation: 'text.generate' }, { problem: 'unbounded_cost', param: 'input' }],
    [
      'sim/embed',
      { operation: 'text.generate', text: { inputTokens: 1 } },
      { problem: 'unpriced_model' },
    ],
  ])('%s cannot bound %j', (model, spec, expected) => {
    expect(boundOf(model, spec)).toEqual(expected);
  });

  it('counts clips and milliseconds of all pieces, and bills a minimum for each', () => {
    const bound = priced('sim/video', video({ n: 3, seconds: 1.5 }));
    expect(bound.fixed).toEqual({
      requests: 1n,
      video_clips: 3n,
      video_seconds: 4500n,
      cost_usd: 24_000_000n,
    });
  });
});

describe('boundOperation bounds text as a call is bounded', () => {
  it('with an elastic output', () => {
    const bound = priced('sim/chat', {
      operation: 'text.generate',
      text: { inputTokens: 1800, maxOutputTokens: 1200 },
    });
    expect(bound.fixed.cost_usd).toBe(180_000n);
    expect(bound.elastic).toEqual({
      tokens: 1200,
      minTokens: 1200,
      nanoUsdPerMillion: 400_000_000n,
    });
    expect(usd(bound)).toEqual(['0.000036000', '0.000420000', '0.000660000']);
    expect(bound.confidence).toBe('bounded');
  });

  it('from characters, as an estimate', () => {
    const bound = priced('sim/chat', {
      operation: 'text.generate',
      text: { inputChars: 400, maxOutputTokens: 100, expectedOutputTokens: 20 },
    });
    expect(bound.fixed.input_tokens).toBe(1600n);
    expect(bound.confidence).toBe('heuristic');
    expect(bound.cost.expectedNanoUsd).toBe(18_000n);
  });

  it('embeds by token and counts the inputs', () => {
    const bound = priced('sim/embed', {
      operation: 'text.embed',
      inputs: 3,
      text: { inputTokens: 1000 },
    });
    expect(bound.fixed).toEqual({
      requests: 1n,
      input_tokens: 1000n,
      total_tokens: 1000n,
      embeddings: 3n,
      cost_usd: 20_000n,
    });
    expect(bound.confidence).toBe('exact');
  });

  it('counts tokens for nothing, and not as a request', () => {
    expect(priced('sim/chat', { operation: 'text.count_tokens' }).fixed).toEqual({
      requests: 0n,
      cost_usd: 0n,
    });
  });
});

describe('boundOperation', () => {
  const everything = itemOf({
    rates: {
      input_text_tokens: 1_000_000_000,
      output_text_tokens: 2_000_000_000,
      requests: 5_000_000,
    },
    media: [
      { unit: 'images', rate: 3_000_000 },
      { unit: 'video_ms', rate: 4_000_000, when: { audio: 'on' } },
      { unit: 'video_ms', rate: 2_000_000 },
      { unit: 'characters', rate: 1_000_000 },
      { unit: 'audio_ms', rate: 1_000_000 },
      { unit: 'voice_clones', rate: 9_000_000 },
    ],
  });
  const full: Omit<OperationSpec, 'operation'> = {
    text: { inputTokens: 10, maxOutputTokens: 20 },
    image: { n: 2 },
    video: { seconds: 3 },
    audio: { chars: 7, seconds: 5 },
    inputs: 4,
  };

  it.each(OPERATIONS)(
    '%s: the minimum is at most the expected, that at most the maximum',
    (operation) => {
      const bound = boundOperation(everything, UNKNOWN_MODEL, { operation, ...full });
      if ('problem' in bound) throw new Error(bound.problem);
      const { minNanoUsd, expectedNanoUsd, maxNanoUsd } = bound.cost;
      expect(minNanoUsd).toBeLessThanOrEqual(expectedNanoUsd);
      expect(expectedNanoUsd).toBeLessThanOrEqual(maxNanoUsd);
      expect(bound.observedFloor.cost_usd).toBeLessThanOrEqual(maxNanoUsd);
      if (operation !== 'text.count_tokens') expect(maxNanoUsd).toBeGreaterThan(0n);
    },
  );
});
