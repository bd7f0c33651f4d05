/**
 * Every recorded chat completion, replayed through the whole gateway.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { explainAbsence, hasRecordings } from '../support/recordings.ts';
import { expectedOfChat } from './chat-recording.ts';
import { deliveriesFor } from './deliveries.ts';
import { looseOf, type Loose } from './json.ts';
import { isChat } from './providers.ts';
import { chatRequestFor, recordedChatBody } from './requests.ts';
import { ReplaySession } from './session.ts';
import { pricedModelsOf, replayAnswer, replayCases, type ReplayCase } from './success.ts';

explainAbsence();

const { cases, unreadable } = replayCases(isChat, expectedOfChat);

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

describe.skipIf(!hasRecordings)('recorded chat completions', () => {
  let session: ReplaySession;
  beforeAll(async () => {
    session = await ReplaySession.start(cases.flatMap(pricedModelsOf));
  });
  beforeEach(() => session.forgetFailures());
  afterAll(async () => {
    process.stderr.write(
      `replayed ${cases.length} recorded chat completions in ${session.replays} deliveries\n`,
    );
    await session.close();
  });

  it('can read every recording', () => expect(unreadable).toEqual([]));

  it.each(cases.map((one, place) => [one.entry.id, one, place] as const))(
    '%s',
    async (_id, one, place) => {
      const choices = one.expected.type === 'answer' ? one.expected.choices.size : 1;
      const body = chatRequestFor(one.recording, {
        model: `${one.provider}/${one.model}`,
        stream: one.stream,
        choices,
      });
      for (const delivery of deliveriesFor(one.recording, place)) {
        const { sent } = await replayAnswer(session, one, { body, delivery });
        expectRelayed(one, sent[0]?.body);
      }
    },
  );

  it('leaves counters that the ledger proves, and nothing held', () => session.verify());
});
