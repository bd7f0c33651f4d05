/**
 * Reasoning options → `thinkingConfig`, which each generation wants in its own way.
 * https://ai.google.dev/gemini-api/docs/thinking; efforts on Gemini 2.5 follow Google's own table for OpenAI
 * clients: https://ai.google.dev/gemini-api/docs/openai#thinking
 *
 * @module
 */
import type { ReasoningOptions } from '../../contracts/text.ts';
import { generationOf, type ModelGeneration } from './model.ts';
import type { WarningList } from './warnings.ts';
import type { GeminiThinkingConfig } from './wire-types.ts';

type Effort = NonNullable<ReasoningOptions['effort']>;
type Level = NonNullable<GeminiThinkingConfig['thinkingLevel']>;

const EFFORT_OPTION = 'reasoning.effort';
const BUDGET_OPTION = 'reasoning.budgetTokens';

/** Tokens that an effort stands for on Gemini 2.5. */
const BUDGET_TOKENS = { low: 1024, medium: 8192, high: 24_576 } as const;

interface BudgetRange {
  readonly min: number;
  readonly max: number;
  readonly canSwitchOff: boolean;
}

function budgetRangeOf(family: ModelGeneration['family']): BudgetRange {
  if (family === 'pro') return { min: 128, max: 32_768, canSwitchOff: false };
  if (family === 'flash-lite') return { min: 512, max: 24_576, canSwitchOff: true };
  return { min: 1, max: 24_576, canSwitchOff: true };
}

/** Tokens of an effort, before the model's own range is applied. */
function budgetOfEffort(effort: Effort, range: BudgetRange): number {
  switch (effort) {
    case 'none':
      return 0;
    case 'minimal':
    case 'low':
      return BUDGET_TOKENS.low;
    case 'medium':
      return BUDGET_TOKENS.medium;
    case 'high':
      return BUDGET_TOKENS.high;
    case 'xhigh':
    case 'max':
      return range.max;
  }
}

/** Gemini 2.5: a number of tokens, 0 for none and -1 for what the model likes. */
function budgetConfig(
  reasoning: ReasoningOptions,
  family: ModelGeneration['family'],
  warnings: WarningList,
): GeminiThinkingConfig {
  const range = budgetRangeOf(family);
  const { effort, budgetTokens } = reasoning;
  const option = budgetTokens === undefined ? EFFORT_OPTION : BUDGET_OPTION;
  const asked = budgetTokens ?? (effort === undefined ? undefined : budgetOfEffort(effort, range));
  if (asked === undefined) return {};
  if (asked === -1 || (asked === 0 && range.canSwitchOff)) return { thinkingBudget: asked };
  const thinkingBudget = Math.min(Math.max(Math.trunc(asked), range.min), range.max);
  if (thinkingBudget !== asked) {
    warnings.clamped(
      option,
      `thinkingBudget ${thinkingBudget}: the model takes ${range.min} to ${range.max}`,
    );
  }
  return { thinkingBudget };
}

/** Levels that the model takes, least first. Gemini 4 and the Pro models have no MINIMAL, and 3 Pro no MEDIUM. */
function levelsOf(generation: ModelGeneration | null): readonly Level[] {
  if (generation !== null && generation.major >= 4) return ['LOW', 'MEDIUM', 'HIGH'];
  if (generation?.family !== 'pro') return ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH'];
  return generation.minor === 0 ? ['LOW', 'HIGH'] : ['LOW', 'MEDIUM', 'HIGH'];
}

const LEVEL_OF_EFFORT: Readonly<Record<Effort, Level>> = {
  none: 'MINIMAL',
  minimal: 'MINIMAL',
  low: 'LOW',
  medium: 'MEDIUM',
  high: 'HIGH',
  xhigh: 'HIGH',
  max: 'HIGH',
};

const LEVELS: readonly Level[] = ['MINIMAL', 'LOW', 'MEDIUM', 'HIGH'];

/** The nearest level the model takes that is not below the wanted one. */
function nearestLevel(wanted: Level, levels: readonly Level[]): Level {
  const least = LEVELS.indexOf(wanted);
  return levels.find((level) => LEVELS.indexOf(level) >= least) ?? 'HIGH';
}

function levelOfBudget(budgetTokens: number): Level {
  if (budgetTokens <= 0) return 'MINIMAL';
  if (budgetTokens <= BUDGET_TOKENS.low) return 'LOW';
  return budgetTokens <= BUDGET_TOKENS.medium ? 'MEDIUM' : 'HIGH';
}

/** Gemini 3 on: a level. Gemini 3 still takes a budget instead; Gemini 4 does not. */
function levelConfig(
  reasoning: ReasoningOptions,
  generation: ModelGeneration | null,
  warnings: WarningList,
): GeminiThinkingConfig {
  const { effort, budgetTokens } = reasoning;
  const levels = levelsOf(generation);
  if (effort !== undefined) {
    const thinkingLevel = nearestLevel(LEVEL_OF_EFFORT[effort], levels);
    if (thinkingLevel.toLowerCase() !== effort) {
      warnings.mapped(EFFORT_OPTION, `${effort} is thinkingLevel ${thinkingLevel} on this model`);
    }
    if (budgetTokens !== undefined) {
      warnings.dropped(
        BUDGET_OPTION,
        'thinkingLevel and thinkingBudget exclude each other; effort was sent',
      );
    }
    return { thinkingLevel };
  }
  if (budgetTokens === undefined) return {};
  if (generation?.major === 3) return { thinkingBudget: budgetTokens };
  if (budgetTokens === -1) {
    warnings.mapped(BUDGET_OPTION, 'the model chooses by itself when no thinkingLevel is sent');
    return {};
  }
  const thinkingLevel = nearestLevel(levelOfBudget(budgetTokens), levels);
  warnings.mapped(
    BUDGET_OPTION,
    `${budgetTokens} is thinkingLevel ${thinkingLevel}: the model takes no budget`,
  );
  return { thinkingLevel };
}

/** The `thinkingConfig` to send; undefined when none is wanted, or the model does not think. */
export function toThinkingConfig(
  reasoning: ReasoningOptions | undefined,
  model: string,
  warnings: WarningList,
): GeminiThinkingConfig | undefined {
  if (reasoning === undefined) return undefined;
  const { includeThoughts } = reasoning;
  const generation = generationOf(model);
  if (
    generation !== null &&
    (generation.major < 2 || (generation.major === 2 && generation.minor < 5))
  ) {
    const asksToThink =
      (reasoning.effort !== undefined && reasoning.effort !== 'none') ||
      (reasoning.budgetTokens ?? 0) !== 0 ||
      includeThoughts === true;
    if (asksToThink) warnings.dropped('reasoning', 'the model does not think');
    return undefined;
  }
  const config =
    generation?.major === 2
      ? budgetConfig(reasoning, generation.family, warnings)
      : levelConfig(reasoning, generation, warnings);
  if (includeThoughts !== undefined) config.includeThoughts = includeThoughts;
  return Object.keys(config).length === 0 ? undefined : config;
}
