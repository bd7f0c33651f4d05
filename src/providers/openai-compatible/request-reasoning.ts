/**
 * How much to think, in the words of each kind of server.
 *
 * @module
 */
import type { ReasoningOptions } from '../../contracts/text.ts';
import type { ReasoningStyle } from './quirks.ts';
import type { WarningList } from './warnings.ts';

type Effort = NonNullable<ReasoningOptions['effort']>;

/** Efforts that stand for a budget where only words are known; bounds as OpenRouter documents its ratios for 8k. */
function effortOfBudget(budgetTokens: number): Effort {
  if (budgetTokens === 0) return 'none';
  if (budgetTokens < 0) return 'medium';
  if (budgetTokens <= 2048) return 'low';
  return budgetTokens <= 8192 ? 'medium' : 'high';
}

function effortIn(reasoning: ReasoningOptions, warnings: WarningList): Effort | undefined {
  const { effort, budgetTokens } = reasoning;
  if (budgetTokens === undefined) return effort;
  if (effort !== undefined) {
    warnings.dropped(
      'reasoning.budgetTokens',
      'The effort was sent; this provider takes no budget.',
    );
    return effort;
  }
  const mapped = effortOfBudget(budgetTokens);
  warnings.mapped(
    'reasoning.budgetTokens',
    `This provider takes no budget; sent as effort ${mapped}.`,
  );
  return mapped;
}

function warnOfThoughts(reasoning: ReasoningOptions, warnings: WarningList): void {
  if (reasoning.includeThoughts === undefined) return;
  warnings.dropped(
    'reasoning.includeThoughts',
    'This provider decides itself whether thoughts are returned.',
  );
}

function reasoningObject(
  reasoning: ReasoningOptions,
  warnings: WarningList,
): Readonly<Record<string, unknown>> {
  const { effort, budgetTokens, includeThoughts } = reasoning;
  if (effort !== undefined && budgetTokens !== undefined) {
    warnings.dropped(
      'reasoning.budgetTokens',
      'This provider takes either effort or budget; the effort was sent.',
    );
  }
  return {
    ...(effort === undefined ? {} : { effort }),
    ...(effort === undefined && budgetTokens !== undefined ? { max_tokens: budgetTokens } : {}),
    ...(includeThoughts === undefined ? {} : { exclude: !includeThoughts }),
  };
}

/** Members of the body that say how much to think. */
export function reasoningMembers(
  reasoning: ReasoningOptions | undefined,
  style: ReasoningStyle,
  warnings: WarningList,
): Readonly<Record<string, unknown>> {
  if (reasoning === undefined) return {};
  switch (style) {
    case 'reasoning-object':
      return { reasoning: reasoningObject(reasoning, warnings) };
    case 'effort': {
      warnOfThoughts(reasoning, warnings);
      const effort = effortIn(reasoning, warnings);
      return effort === undefined ? {} : { reasoning_effort: effort };
    }
    case 'thinking-switch': {
      warnOfThoughts(reasoning, warnings);
      const effort = effortIn(reasoning, warnings);
      if (effort === undefined) return {};
      return effort === 'none'
        ? { thinking: { type: 'disabled' } }
        : { thinking: { type: 'enabled' }, reasoning_effort: effort };
    }
  }
}
