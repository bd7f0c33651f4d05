/**
 * `usageMetadata`, true or bent by a fault. `candidatesTokenCount` leaves thoughts out; members that would be 0 are
 * absent, as recorded.
 *
 * @module
 */
import { findFault, type Fault } from '../core/fault.ts';
import type { SimulatedUsage } from '../core/reply.ts';
import type { Modality } from './request.ts';

export interface UsageParts {
  readonly usage: SimulatedUsage;
  readonly modalities: Readonly<Partial<Record<Modality, number>>>;
  /** Output by modality, where it is not text alone. */
  readonly made?: Readonly<Partial<Record<Modality, number>>>;
  readonly faults: readonly Fault[];
}

const MODALITIES: readonly Modality[] = ['TEXT', 'IMAGE', 'AUDIO', 'VIDEO', 'DOCUMENT'];

/** `[{modality, tokenCount}]` of what is there. */
export function modalityDetails(
  modalities: Readonly<Partial<Record<Modality, number>>>,
): readonly { readonly modality: Modality; readonly tokenCount: number }[] {
  return MODALITIES.flatMap((modality) => {
    const tokenCount = modalities[modality] ?? 0;
    return tokenCount === 0 ? [] : [{ modality, tokenCount }];
  });
}

/** Usage on the wire; undefined where a fault leaves it out. */
export function usageMetadata({ usage, modalities, made, faults }: UsageParts): object | undefined {
  const how = findFault(faults, 'usage')?.how;
  if (how === 'none') return undefined;
  const visible = usage.outputTokens - usage.reasoningTokens;
  const cached = how === 'cached-exceeds' ? usage.inputTokens * 2 + 100 : usage.cachedTokens;
  const total = usage.inputTokens + usage.outputTokens;
  const candidates = how === 'negative' ? -visible - 1 : visible;
  return {
    promptTokenCount: usage.inputTokens,
    ...(candidates === 0 ? {} : { candidatesTokenCount: candidates }),
    totalTokenCount: how === 'mismatch' ? total + 1000 : total,
    ...(cached > 0
      ? {
          cachedContentTokenCount: cached,
          cacheTokensDetails: [{ modality: 'TEXT', tokenCount: cached }],
        }
      : {}),
    promptTokensDetails: modalityDetails(modalities),
    ...(made === undefined ? {} : { candidatesTokensDetails: modalityDetails(made) }),
    ...(usage.reasoningTokens > 0 ? { thoughtsTokenCount: usage.reasoningTokens } : {}),
    serviceTier: 'standard',
  };
}
