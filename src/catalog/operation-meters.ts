/**
 * Which meters an operation moves, and by how much.
 *
 * @module
 */
import type { Meter, Operation } from '../contracts/metering.ts';
import type { NanoUsd } from '../contracts/money.ts';
import { inputTokensOf, outputTokensOf, type UsageVector } from '../contracts/usage.ts';
import type { MeterAmounts } from '../metering/ports.ts';

type Amounts = Partial<Record<Meter, bigint>>;

function mediaAmounts(operation: Operation, usage: UsageVector): Amounts {
  const images = BigInt(usage.images ?? 0);
  switch (operation) {
    case 'image.generate':
      return { images };
    case 'image.edit':
      return { image_edits: images };
    case 'image.face_swap':
      return { face_swaps: images };
    case 'image.upscale':
      return { upscales: images };
    case 'image.remove_background':
      return { background_removals: images };
    case 'audio.speech':
      return { speech_characters: BigInt(usage.characters ?? 0) };
    case 'audio.transcribe':
    case 'audio.translate':
      return { transcription_seconds: BigInt(usage.audio_ms ?? 0) };
    case 'audio.clone_voice':
      return { voice_clones: BigInt(usage.voice_clones ?? 0) };
    case 'video.text_to_video':
    case 'video.image_to_video':
    case 'video.extend':
    case 'video.talking_avatar':
    case 'video.face_swap':
    case 'video.upscale':
    case 'video.remove_background':
    case 'video.add_sound':
      return {
        video_clips: BigInt(usage.video_clips ?? 0),
        video_seconds: BigInt(usage.video_ms ?? 0),
      };
    case 'text.embed':
      return { embeddings: BigInt(usage.inputs ?? 0) };
    case 'text.generate':
    case 'text.rerank':
    case 'text.moderate':
    case 'text.count_tokens':
    case 'text.enhance_prompt':
      return {};
  }
}

/**
 * What a call, or one billed attempt of it, adds to the counters: the units of its operation, the tokens and searches
 * that its usage has, its cost and itself. Meters of zero are left out but for `requests` and `cost_usd`. The request
 * is counted with one attempt only (`requests` 0 for the others), and never for counting tokens.
 */
export function operationAmounts(
  operation: Operation,
  billed: { readonly usage: UsageVector; readonly costNanoUsd: NanoUsd; readonly requests: 0 | 1 },
): MeterAmounts {
  const { usage } = billed;
  const input = BigInt(inputTokensOf(usage));
  const output = BigInt(outputTokensOf(usage));
  const found: Amounts = {
    input_tokens: input,
    output_tokens: output,
    total_tokens: input + output,
    searches: BigInt(usage.web_searches ?? 0),
    ...mediaAmounts(operation, usage),
  };
  const amounts: Amounts = {
    requests: operation === 'text.count_tokens' || billed.requests === 0 ? 0n : 1n,
    cost_usd: billed.costNanoUsd,
  };
  for (const [meter, amount] of Object.entries(found) as [Meter, bigint][]) {
    if (amount > 0n) amounts[meter] = amount;
  }
  return amounts;
}
