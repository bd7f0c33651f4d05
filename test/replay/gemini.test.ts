/**
 * Every recorded `generateContent` answer, replayed through the whole gateway to a chat client.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { explainAbsence, hasRecordings } from '../support/recordings.ts';
import { deliveriesFor } from './deliveries.ts';
import { expectedOfGemini } from './gemini-recording.ts';
import { isGenerateContent } from './providers.ts';
import { chatRequestFromGemini } from './requests.ts';
import { ReplaySession } from './session.ts';
import { pricedModelsOf, replayAnswer, replayCases } from './success.ts';

explainAbsence();

const { cases, unreadable } = replayCases(isGenerateContent, expectedOfGemini);

describe.skipIf(!hasRecordings)('recorded generateContent answers', () => {
  let session: ReplaySession;
  beforeAll(async () => {
    session = await ReplaySession.start(cases.flatMap(pricedModelsOf));
  });
  beforeEach(() => session.forgetFailures());
  afterAll(async () => {
    process.stderr.write(
      `replayed ${cases.length} recorded generateContent answers in ${session.replays} deliveries\n`,
    );
    await session.close();
  });

  it('can read every recording', () => expect(unreadable).toEqual([]));

  it.each(cases.map((one, place) => [one.entry.id, one, place] as const))(
    '%s',
    async (_id, one, place) => {
      const body = chatRequestFromGemini(one.recording, {
        model: `${one.provider}/${one.model}`,
        stream: one.stream,
        choices: one.expected.type === 'answer' ? one.expected.choices.size : 1,
      });
      for (const delivery of deliveriesFor(one.recording, place)) {
        const { sent } = await replayAnswer(session, one, { body, delivery });
        const method = one.stream ? 'streamGenerateContent?alt=sse' : 'generateContent';
        expect(sent[0]?.path.endsWith(`:${method}`)).toBe(true);
      }
    },
  );

  it('leaves counters that the ledger proves, and nothing held', () => session.verify());
});
