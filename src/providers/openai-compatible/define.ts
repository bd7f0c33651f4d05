/**
 * Builds a provider from metadata and quirks: most servers of this protocol are one table row.
 *
 * @module
 */
import type { ProviderDefinition } from '../../contracts/provider.ts';
import type { TextProvider } from '../../contracts/text-provider.ts';
import { readChatError } from './errors.ts';
import {
  COMMON_QUIRKS,
  type OpenAiCompatibleQuirks,
  type OpenAiCompatibleServer,
} from './quirks.ts';
import { chatRelay } from './relay.ts';
import { chatRequest } from './request.ts';
import { readChatReply } from './response.ts';
import { ChatStreamReader } from './stream.ts';

/** Metadata of a server and how it differs from the common one. */
export type OpenAiCompatibleEntry = Omit<
  ProviderDefinition,
  'text' | 'readError' | 'disconnect' | 'requestIdHeader'
> &
  Partial<Pick<ProviderDefinition, 'disconnect' | 'requestIdHeader'>> & {
    readonly quirks?: Partial<OpenAiCompatibleQuirks>;
  };

function textProvider(server: OpenAiCompatibleServer): TextProvider {
  const { quirks } = server;
  return {
    generate: (options, target) => ({
      ...chatRequest(options, { server, target, stream: false }),
      read: (reply) => readChatReply(reply, quirks),
    }),
    stream: (options, target) => ({
      ...chatRequest(options, { server, target, stream: true }),
      open: () => new ChatStreamReader({ quirks, choices: options.n ?? 1 }),
    }),
    relay: chatRelay(server),
  };
}

/**
 * A provider that speaks OpenAI's chat completions protocol.
 *
 * Unless an entry says otherwise, closing the connection ends generation and its bill, and replies carry their id
 * as `x-request-id`.
 */
export function defineOpenAiCompatible(entry: OpenAiCompatibleEntry): ProviderDefinition {
  const { quirks: own, ...metadata } = entry;
  const quirks: OpenAiCompatibleQuirks = { ...COMMON_QUIRKS, ...own };
  return {
    disconnect: { onClientGone: 'cancel' },
    requestIdHeader: 'x-request-id',
    ...metadata,
    text: textProvider({ id: entry.id, versionSegment: entry.versionSegment, quirks }),
    readError: readChatError,
  };
}
