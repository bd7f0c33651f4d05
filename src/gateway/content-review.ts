/**
 * The hook of moderation: what a call for media holds is judged before a provider is asked, and what was made before it is
 * delivered. Whoever judges is a port; {@link modelReview} asks a moderation model.
 *
 * @module
 */
import { GatewayError } from '../contracts/gateway-error.ts';
import type { MediaInput } from '../contracts/media.ts';
import type { ModerationInput } from '../contracts/moderation-provider.ts';
import type { CallRun } from './call-run.ts';
import type { Gateway } from './gateway.ts';
import { askProvider, questionTarget } from './provider-question.ts';

/** What is judged together. */
export interface ReviewedContent {
  readonly texts: readonly string[];
  readonly images: readonly MediaInput[];
}

/** Judges content. */
export interface ContentReview {
  /** Whether calls are judged before they are dispatched, and pictures before they are delivered. */
  readonly before: boolean;
  readonly after: boolean;
  /**
   * @returns what it was refused for; empty: nothing
   * @throws GatewayError where nobody could judge: nothing unjudged goes on
   */
  review(gateway: Gateway, content: ReviewedContent): Promise<readonly string[]>;
}

function refused(when: string, reasons: readonly string[]): GatewayError {
  return new GatewayError('content_filtered', {
    message: `${when} was refused by moderation (${reasons.slice(0, 10).join(', ')}). Change what you ask for.`,
  });
}

/** @throws GatewayError `content_filtered`; the hold is released, nothing is charged */
export async function reviewBefore(gateway: Gateway, run: CallRun): Promise<void> {
  const { review } = gateway;
  const { call } = run;
  if (review === null || !review.before || call.kind !== 'operation') return;
  if (call.content === undefined) return;
  const reasons = await review.review(gateway, call.content);
  if (reasons.length > 0) throw refused('The request', reasons);
}

/** @throws GatewayError `content_filtered`; it was made and is charged */
export async function reviewAfter(
  gateway: Gateway,
  images: readonly MediaInput[] | undefined,
): Promise<void> {
  const { review } = gateway;
  if (review === null || !review.after || images === undefined || images.length === 0) return;
  const reasons = await review.review(gateway, { texts: [], images });
  if (reasons.length > 0) throw refused('What was made', reasons);
}

function inputsOf({ texts, images }: ReviewedContent): readonly ModerationInput[] {
  return [
    ...texts.filter((text) => text !== '').map((text) => ({ type: 'text', text }) as const),
    ...images.map((image) => ({ type: 'image', image }) as const),
  ];
}

/** A review by a moderation model; what it costs is the operator's. */
export function modelReview(settings: {
  /** `provider/model`. */
  readonly model: string;
  readonly before: boolean;
  readonly after: boolean;
}): ContentReview {
  const { model: name, before, after } = settings;
  const slash = name.indexOf('/');
  const [providerId, model] = [name.slice(0, slash), name.slice(slash + 1)];
  return {
    before,
    after,
    async review(gateway, content) {
      const [first, ...others] = inputsOf(content);
      if (first === undefined) return [];
      const provider = gateway.providers.get(providerId);
      const moderation = provider?.definition.moderation;
      if (provider === undefined || moderation === undefined) {
        throw new GatewayError('internal_error', {
          message: `moderation.model "${name}" is no moderation model of a configured provider.`,
        });
      }
      const exchange = moderation.moderate(
        { inputs: [first, ...others], together: true, extra: {} },
        questionTarget(provider, model),
      );
      const { verdicts } = exchange.read(await askProvider(gateway, provider, exchange));
      return verdicts.flatMap(({ flagged, categories }) => {
        if (!flagged) return [];
        const named = Object.keys(categories).filter((category) => categories[category] === true);
        return named.length > 0 ? named : ['flagged'];
      });
    },
  };
}
