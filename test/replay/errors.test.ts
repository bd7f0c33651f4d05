/**
 * Every recorded error reply, replayed through the whole gateway: what the caller is told, and that nothing is billed.
 *
 * @module
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { replyOf } from '../support/replay-upstream.ts';
import {
  explainAbsence,
  hasRecordings,
  loadRecording,
  recordingEntries,
  type RecordingEntry,
} from '../support/recordings.ts';
import { isError, providerOf } from './providers.ts';
import { chatRequestFor, modelOf, recordedChatBody } from './requests.ts';
import { errorOf, expectNothingBooked, ReplaySession, type Replayed } from './session.ts';
import { toldOf, type Told } from './told.ts';

explainAbsence();

const cases = recordingEntries()
  .filter(isError)
  .map((entry) => {
    const recording = loadRecording(entry.id);
    return {
      entry,
      recording,
      provider: providerOf(entry),
      model: modelOf(entry, recording),
    };
  });

const AUTH: Told = [502, 'provider_auth'];
const CONTEXT: Told = [400, 'context_length_exceeded'];

/** Where the body says more than the status. */
const BY_BODY: Readonly<Record<string, Told>> = {
  // "API key not valid", typed as API_KEY_INVALID.
  'gemini/error-400-01': AUTH,
  'gemini/error-400-03': AUTH,
  // "User location is not supported": our account's place, not the caller's request.
  'vertex/error-400-02': AUTH,
  'xai/error-400-01': AUTH,
  'openai/error-429-02': [502, 'provider_credit'],
  'vertex/error-400-01': CONTEXT,
  'deepseek/error-400-01': CONTEXT,
  'ollama/error-400-01': CONTEXT,
  'openai/error-400-03': CONTEXT,
  'openrouter/error-400-01': CONTEXT,
  'perplexity/error-400-01': CONTEXT,
};

/** Requests that the gateway itself refuses, so that a plain one has to stand for them. */
const REPLACED_REQUESTS: Readonly<Record<string, string>> = {
  'mistral/error-422-01': 'its content is an object, which no server of this protocol takes (400)',
};

const NO_REQUEST = { method: 'POST', path: '', body: null };

/** A wait from here on is sat out once, not again for the second delivery. */
const LONG_WAIT_S = 2;

/** Temporary faults are tried twice, the second time in place; all others once. */
function attemptsOf(entry: RecordingEntry, waitsTooLong: boolean): number {
  if (waitsTooLong) return 1;
  return [408, 429, 500, 503].includes(entry.status) && !(entry.id in BY_BODY) ? 2 : 1;
}

function expectTold(entry: RecordingEntry, replayed: Replayed): void {
  const told = BY_BODY[entry.id] ?? toldOf(entry.status);
  const error = errorOf(replayed);
  expect([replayed.status, error['code']], JSON.stringify(error)).toEqual(told);
  expect(error['request_id']).toBe(replayed.request.id);
  expect(typeof error['message']).toBe('string');
  expect(replayed.text).not.toContain('credential-of-');
  expect(replayed.request).toMatchObject({ status: told[0], error_code: told[1] });
  // What the caller must change is not to be repeated as it is.
  const mayRetry = replayed.headers.get('x-should-retry');
  if (replayed.status < 500) expect(mayRetry).toBe('false');
  const waitSeconds = Number(replayed.headers.get('retry-after') ?? 0);
  expect(replayed.request.attempts).toBe(attemptsOf(entry, waitSeconds > 3));
  for (const attempt of replayed.request.attempt_rows) {
    expect(attempt).toMatchObject({ http_status: entry.status, billable: 'no' });
  }
  expectNothingBooked(replayed.request);
}

describe.skipIf(!hasRecordings)('recorded errors', () => {
  let session: ReplaySession;
  beforeAll(async () => {
    session = await ReplaySession.start(cases);
  });
  beforeEach(() => session.forgetFailures());
  afterAll(async () => {
    process.stderr.write(
      `replayed ${cases.length} recorded errors in ${session.replays} deliveries\n`,
    );
    await session.close();
  });

  it.each(cases.map((one) => [one.entry.id, one] as const))('%s', async (_id, one) => {
    const { entry, recording, provider, model } = one;
    const asked = recordedChatBody(recording)?.['stream'] === true;
    const waits = Number(recording.response.headers['retry-after'] ?? 0) >= LONG_WAIT_S;
    for (const stream of waits ? [asked] : [asked, !asked]) {
      session.forgetFailures();
      const isReplaced = entry.id in REPLACED_REQUESTS;
      const body = chatRequestFor(isReplaced ? { ...recording, request: NO_REQUEST } : recording, {
        model: `${provider}/${model}`,
        stream,
        choices: 1,
      });
      const delivery = stream ? ({ mode: 'cuts', seed: 1 } as const) : ({ mode: 'whole' } as const);
      expectTold(entry, await session.replay(body, replyOf(recording, delivery)));
    }
  });

  it('leaves counters that the ledger proves, and nothing held', () => session.verify());
});
