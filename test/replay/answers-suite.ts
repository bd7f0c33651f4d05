/**
 * The frame of a file that replays recorded answers: one gateway for all of them, each in several deliveries, and
 * the ledger proved at the end.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  explainAbsence,
  hasRecordings,
  type Recording,
  type RecordingEntry,
} from '../support/recordings.ts';
import type { ReplayedRequest } from '../support/replay-upstream.ts';
import type { Expected } from './answer.ts';
import { deliveriesFor } from './deliveries.ts';
import type { Loose } from './json.ts';
import type { RequestFacts } from './requests.ts';
import { ReplaySession } from './session.ts';
import { pricedModelsOf, replayAnswer, replayCases, type ReplayCase } from './success.ts';

/** One kind of recorded answers. */
export interface AnswersSuite {
  /** Such as `chat completions`. */
  readonly title: string;
  readonly isChosen: (entry: RecordingEntry) => boolean;
  /** What the client must get, read by code that shares nothing with the gateway. */
  readonly extract: (recording: Recording) => Expected;
  readonly requestFor: (recording: Recording, facts: RequestFacts) => Loose;
  /** What must hold of the call that reached the provider. */
  readonly expectSent: (one: ReplayCase, sent: ReplayedRequest | undefined) => void;
}

/** Declares the suite. */
export function describeAnswers(suite: AnswersSuite): void {
  explainAbsence();
  const { cases, unreadable } = replayCases(suite.isChosen, suite.extract);

  describe.skipIf(!hasRecordings)(`recorded ${suite.title}`, () => {
    let session: ReplaySession;
    beforeAll(async () => {
      session = await ReplaySession.start(cases.flatMap(pricedModelsOf));
    });
    beforeEach(() => session.forgetFailures());
    afterAll(async () => {
      process.stderr.write(
        `replayed ${cases.length} recorded ${suite.title} in ${session.replays} deliveries\n`,
      );
      await session.close();
    });

    it('can read every recording', () => expect(unreadable).toEqual([]));

    it.each(cases.map((one, place) => [one.entry.id, one, place] as const))(
      '%s',
      async (_id, one, place) => {
        const body = suite.requestFor(one.recording, {
          model: `${one.provider}/${one.model}`,
          stream: one.stream,
          choices: one.expected.type === 'answer' ? one.expected.choices.size : 1,
        });
        for (const delivery of deliveriesFor(one.recording, place)) {
          const { sent } = await replayAnswer(session, one, { body, delivery });
          suite.expectSent(one, sent[0]);
        }
      },
    );

    it('leaves counters that the ledger proves, and nothing held', () => session.verify());
  });
}
