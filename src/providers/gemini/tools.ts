/**
 * Tools and the choice among them.
 * https://ai.google.dev/gemini-api/docs/function-calling, https://ai.google.dev/gemini-api/docs/google-search
 *
 * @module
 */
import type { FunctionTool, TextOptions, ToolChoice, WebSearchTool } from '../../contracts/text.ts';
import { isAtLeast } from './model.ts';
import { toGeminiSchema } from './schema.ts';
import type { WarningList } from './warnings.ts';
import type { GeminiFunctionDeclaration, GeminiTool, GeminiToolConfig } from './wire-types.ts';

export interface GeminiToolSetup {
  readonly tools?: readonly GeminiTool[];
  readonly toolConfig?: GeminiToolConfig;
}

function declarationOf(tool: FunctionTool, warnings: WarningList): GeminiFunctionDeclaration {
  const head = {
    name: tool.name,
    ...(tool.description === undefined ? {} : { description: tool.description }),
  };
  if (tool.parameters === undefined || tool.parameters === null) return head;
  const { schema, notEnforced } = toGeminiSchema(tool.parameters);
  if (notEnforced.length > 0) {
    warnings.mapped(
      `tools.${tool.name}.parameters`,
      `sent, but Gemini documents no enforcement of: ${notEnforced.join(', ')}`,
    );
  }
  return { ...head, parametersJsonSchema: schema };
}

function warnOfSearch(tool: WebSearchTool, warnings: WarningList): void {
  if (tool.maxUses !== undefined) {
    warnings.dropped('tools.web-search.maxUses', 'Gemini does not limit its searches');
  }
  if (tool.contextSize !== undefined) {
    warnings.dropped('tools.web-search.contextSize', 'Gemini does not size its search context');
  }
}

/** `strict` has no member of its own: mode VALIDATED holds calls to their schema and is AUTO otherwise. */
function callingConfigOf(
  choice: ToolChoice | undefined,
  functions: readonly FunctionTool[],
): GeminiToolConfig['functionCallingConfig'] {
  const strict = functions.some((tool) => tool.strict === true);
  switch (choice?.type) {
    case undefined:
      return strict ? { mode: 'VALIDATED' } : undefined;
    case 'auto':
      return { mode: strict ? 'VALIDATED' : 'AUTO' };
    case 'none':
      return { mode: 'NONE' };
    case 'required':
      return { mode: 'ANY' };
    case 'function':
      return { mode: 'ANY', allowedFunctionNames: [choice.name] };
  }
}

/** The members `tools` and `toolConfig` of the request. */
export function toToolSetup(
  options: TextOptions,
  model: string,
  warnings: WarningList,
): GeminiToolSetup {
  const functions: FunctionTool[] = [];
  let searches = false;
  for (const tool of options.tools ?? []) {
    if (tool.type === 'function') {
      functions.push(tool);
      continue;
    }
    // NONE speaks of functions only; no search is asked for by leaving it out.
    if (options.toolChoice?.type === 'none') continue;
    searches = true;
    warnOfSearch(tool, warnings);
  }
  if (options.parallelToolCalls === false) {
    warnings.dropped('parallelToolCalls', 'Gemini cannot be held to one call at a time');
  }
  const tools: GeminiTool[] = [];
  const toolConfig: GeminiToolConfig = {};
  if (functions.length > 0) {
    tools.push({ functionDeclarations: functions.map((tool) => declarationOf(tool, warnings)) });
    const calling = callingConfigOf(options.toolChoice, functions);
    if (calling !== undefined) toolConfig.functionCallingConfig = calling;
  } else if (options.toolChoice?.type === 'required' || options.toolChoice?.type === 'function') {
    warnings.dropped('toolChoice', 'Gemini chooses among functions only, and none was given');
  }
  if (searches) tools.push({ googleSearch: {} });
  // From Gemini 3 on functions and its own tools go together only so; earlier models refuse the mixture.
  if (searches && functions.length > 0 && isAtLeast(model, 3)) {
    toolConfig.includeServerSideToolInvocations = true;
    if (toolConfig.functionCallingConfig?.mode === 'AUTO') {
      toolConfig.functionCallingConfig = { mode: 'VALIDATED' };
    }
  }
  return {
    ...(tools.length > 0 ? { tools } : {}),
    ...(Object.keys(toolConfig).length > 0 ? { toolConfig } : {}),
  };
}
