/**
 * OpenAI's chat completions as a dialect of the text pipeline.
 *
 * @module
 */
import type { TextDialect } from '../../../gateway/text-dialect.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { parseChatCall } from './parse.ts';

export const chatDialect: TextDialect = {
  parse: parseChatCall,
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
