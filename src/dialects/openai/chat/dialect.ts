/**
 * OpenAI's chat completions as a dialect of the pipeline.
 *
 * @module
 */
import type { Dialect } from '../../../gateway/dialect.ts';
import { openAiError, openAiErrorFrame } from '../errors.ts';
import { parseChatCall } from './parse.ts';

export const chatDialect: Dialect = {
  operation: 'text.generate',
  bodies: 'json',
  maxBodyBytes: (settings) => settings.maxBodyBytes,
  parse: (body, { settings }) => parseChatCall(body, settings.maxJsonDepth),
  renderError: openAiError,
  errorFrame: openAiErrorFrame,
};
