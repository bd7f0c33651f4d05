import { expect, it } from 'vitest';
import type { ReasoningOptions } from '../../contracts/text.ts';
import { toThinkingConfig } from './thinking.ts';
import { WarningList } from './warnings.ts';

it.each<[string, ReasoningOptions, object | undefined, string[]]>([
  ['gemini-2.5-flash', { effort: 'none' }, { thinkingBudget: 0 }, []],
  ['gemini-2.5-pro', { effort: 'none' }, { thinkingBudget: 128 }, ['clamped']],
  ['gemini-2.5-flash', { effort: 'low' }, { thinkingBudget: 1024 }, []],
  ['gemini-2.5-flash', { effort: 'medium' }, { thinkingBudget: 8192 }, []],
  ['gemini-2.5-pro', { effort: 'max' }, { thinkingBudget: 32_768 }, []],
  ['gemini-2.5-flash-lite', { budgetTokens: 100 }, { thinkingBudget: 512 }, ['clamped']],
  ['gemini-2.5-flash', { budgetTokens: 99_999 }, { thinkingBudget: 24_576 }, ['clamped']],
  [
    'gemini-2.5-flash',
    { budgetTokens: -1, includeThoughts: true },
    { thinkingBudget: -1, includeThoughts: true },
    [],
  ],
  ['gemini-3.8-flash', { effort: 'none' }, { thinkingLevel: 'MINIMAL' }, ['mapped']],
  ['gemini-3.8-flash', { effort: 'minimal' }, { thinkingLevel: 'MINIMAL' }, []],
  ['gemini-3.8-flash', { effort: 'xhigh' }, { thinkingLevel: 'HIGH' }, ['mapped']],
  ['gemini-3.8-flash', { budgetTokens: 500 }, { thinkingBudget: 500 }, []],
  ['gemini-3.8-flash', { effort: 'low', budgetTokens: 500 }, { thinkingLevel: 'LOW' }, ['dropped']],
  ['gemini-3-pro-preview', { effort: 'medium' }, { thinkingLevel: 'HIGH' }, ['mapped']],
  ['gemini-3.1-pro-preview', { effort: 'medium' }, { thinkingLevel: 'MEDIUM' }, []],
  ['gemini-4-argon', { effort: 'minimal' }, { thinkingLevel: 'LOW' }, ['mapped']],
  ['gemini-4-argon', { effort: 'high' }, { thinkingLevel: 'HIGH' }, []],
  ['gemini-4-argon', { budgetTokens: 4000 }, { thinkingLevel: 'MEDIUM' }, ['mapped']],
  ['gemini-4-argon', { budgetTokens: -1 }, undefined, ['mapped']],
  ['gemini-flash-latest', { effort: 'low' }, { thinkingLevel: 'LOW' }, []],
  ['gemini-2.0-flash', { effort: 'low' }, undefined, ['dropped']],
  ['gemini-2.0-flash', { effort: 'none' }, undefined, []],
  ['gemini-3.8-flash', { includeThoughts: false }, { includeThoughts: false }, []],
  ['gemini-3.8-flash', {}, undefined, []],
])('%s with %j', (model, reasoning, config, actions) => {
  const warnings = new WarningList();
  expect(toThinkingConfig(reasoning, model, warnings)).toEqual(config);
  expect(warnings.all.map(({ action }) => action)).toEqual(actions);
});
