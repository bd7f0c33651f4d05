/**
 * Every recorded chat completion, replayed through the whole gateway.
 *
 * @module
 */
import { expect } from 'vitest';
import { describeAnswers } from './answers-suite.ts';
import { expectedOfChat } from './chat-recording.ts';
import { looseOf, type Loose } from './json.ts';
import { isChat } from './providers.ts';
import { chatRequestFor, recordedChatBody } from './requests.ts';
import type { ReplayCase } from './success.ts';

/** Members that the gateway sets, renames or removes: the bound of the output, and how usage is asked for. */
const OWN_MEMBERS = new Set([
  'model',
  'stream',
  'stream_options',
  'max_tokens',
  'max_completion_tokens',
]);

function untouched(body: Loose): Loose {
  return Object.fromEntries(Object.entries(body).filter(([name]) => !OWN_MEMBERS.has(name)));
}

/** What the client wrote reaches the provider as it was, but for roles that only OpenAI knows. */
function expectRelayed(one: ReplayCase, sent: unknown): void {
  const recorded = recordedChatBody(one.recording);
  if (recorded === null || JSON.stringify(recorded).includes('"developer"')) return;
  expect(untouched(looseOf(sent))).toEqual(untouched(recorded));
}

describeAnswers({
  title: 'chat completions',
  isChosen: isChat,
  extract: expectedOfChat,
  requestFor: chatRequestFor,
  expectSent: (one, sent) => expectRelayed(one, sent?.body),
});
