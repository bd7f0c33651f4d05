/**
 * The `usage` member of replies that are no text, in OpenAI's names, with the cost that is booked.
 *
 * @module
 */
import { formatUsd } from '../../contracts/money.ts';
import { inputTokensOf, outputTokensOf } from '../../contracts/usage.ts';
import type { Receipt } from '../../gateway/text-call.ts';

/** What the answer cost, for its `usage`. */
export function costOf({ costNanoUsd, estimated }: Receipt): Readonly<Record<string, unknown>> {
  return { cost: formatUsd(costNanoUsd), ...(estimated ? { estimated: true } : {}) };
}

/** Tokens by direction and kind, as the images API counts them. */
export function imageUsage(receipt: Receipt): Readonly<Record<string, unknown>> {
  const { usage } = receipt;
  const input = inputTokensOf(usage);
  const output = outputTokensOf(usage);
  const inputImages = usage.input_image_tokens ?? 0;
  const outputImages = usage.output_image_tokens ?? 0;
  return {
    input_tokens: input,
    input_tokens_details: { image_tokens: inputImages, text_tokens: input - inputImages },
    output_tokens: output,
    output_tokens_details: { image_tokens: outputImages, text_tokens: output - outputImages },
    total_tokens: input + output,
    ...costOf(receipt),
  };
}
