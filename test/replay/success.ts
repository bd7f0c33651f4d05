/**
 * Replays of recorded answers, whole and streamed.
 *
 * @module
 */
import { expect } from 'vitest';
import {
  loadRecording,
  recordingEntries,
  type Recording,
  type RecordingEntry,
} from '../support/recordings.ts';
import { replyOf, type Delivery } from '../support/replay-upstream.ts';
import type { Expected, SaidChoice } from './answer.ts';
import { chatFrames, readChat } from './chat-recording.ts';
import { looseOf, type Loose } from './json.ts';
import { providerOf } from './providers.ts';
import { modelOf } from './requests.ts';
import {
  errorOf,
  expectBooked,
  expectNothingBooked,
  type PricedModel,
  type Replayed,
  type ReplaySession,
} from './session.ts';

/** A recorded answer, ready to be replayed. */
export interface ReplayCase {
  readonly entry: RecordingEntry;
  readonly recording: Recording;
  readonly provider: string;
  readonly model: string;
  readonly stream: boolean;
  readonly expected: Expected;
}

export interface ReplayCases {
  readonly cases: readonly ReplayCase[];
  /** Recordings that the extraction cannot read, with the reason. */
  readonly unreadable: readonly string[];
}

/** Reads the chosen recordings with an extraction that shares no code with the gateway. */
export function replayCases(
  isChosen: (entry: RecordingEntry) => boolean,
  extract: (recording: Recording) => Expected,
): ReplayCases {
  const cases: ReplayCase[] = [];
  const unreadable: string[] = [];
  for (const entry of recordingEntries().filter(isChosen)) {
    const recording = loadRecording(entry.id);
    try {
      cases.push({
        entry,
        recording,
        provider: providerOf(entry),
        model: modelOf(entry, recording),
        stream: recording.response.sse !== undefined,
        expected: extract(recording),
      });
    } catch (error) {
      unreadable.push(`${entry.id}: ${String(error)}`);
    }
  }
  return { cases, unreadable };
}

/** The model asked for and the one that answered. */
export function pricedModelsOf({ provider, model, expected }: ReplayCase): readonly PricedModel[] {
  const served = expected.type === 'answer' ? expected.served : null;
  return [{ provider, model }, ...(served === null ? [] : [{ provider, model: served }])];
}

function framesOf(replayed: Replayed, stream: boolean): readonly Loose[] {
  return stream ? chatFrames(replayed.text) : [looseOf(JSON.parse(replayed.text))];
}

function expectSaid(
  said: ReadonlyMap<number, SaidChoice>,
  expected: Extract<Expected, { type: 'answer' }>,
): void {
  const { choices, pieces } = expected;
  if (pieces === null) {
    expect(said).toEqual(choices);
    return;
  }
  const [first] = said.values();
  let from = 0;
  for (const piece of pieces) {
    const at = first?.text.indexOf(piece, from) ?? -1;
    expect(at, piece).toBeGreaterThanOrEqual(from);
    from = at + piece.length;
  }
  expect([...said.values()].map(({ finish }) => finish)).toEqual(
    [...choices.values()].map(({ finish }) => finish),
  );
}

function expectAnswer(
  one: ReplayCase,
  expected: Extract<Expected, { type: 'answer' }>,
  replayed: Replayed,
): void {
  expect(replayed.status, replayed.text.slice(0, 500)).toBe(200);
  const frames = framesOf(replayed, one.stream);
  expectSaid(readChat(frames), expected);
  if (one.stream) expect(replayed.text.endsWith('data: [DONE]\n\n')).toBe(true);
  if (expected.body !== null) expect(frames[0]).toEqual(expected.body);
  const { request } = replayed;
  expect(request).toMatchObject({
    status: 200,
    error_code: null,
    provider: one.provider,
    model_served: expected.served ?? one.model,
    stream: one.stream,
    attempts: 1,
    simulated: false,
  });
  const price = `${one.provider}/${expected.served ?? one.model}#`;
  expect(request.attempt_rows[0]?.price?.slice(0, price.length)).toBe(price);
  expectBooked(request, expected.tokens);
  // Streams tell their cost in the last frame that counts, whole answers in a header.
  const told = one.stream
    ? frames.map((frame) => looseOf(frame['usage'])['cost']).findLast((cost) => cost !== undefined)
    : replayed.headers.get('x-gateway-cost');
  expect(told).toBe(request.cost);
}

function expectRefused(expected: Extract<Expected, { type: 'refused' }>, replayed: Replayed): void {
  expect(replayed.status, replayed.text.slice(0, 500)).toBe(expected.status);
  expect(errorOf(replayed)).toMatchObject({ code: expected.code });
  expect(replayed.request).toMatchObject({
    status: expected.status,
    error_code: expected.code,
  });
  if (expected.tokens === null) expectNothingBooked(replayed.request);
  else expectBooked(replayed.request, expected.tokens);
}

function expectBroken(expected: Extract<Expected, { type: 'broken' }>, replayed: Replayed): void {
  expect(replayed.status).toBe(200);
  expect(replayed.text).not.toContain('[DONE]');
  expect(errorOf(replayed)).toMatchObject({ code: 'stream_interrupted' });
  const frames = chatFrames(replayed.text);
  expect(readChat(frames).get(0)?.text).toBe(expected.text);
  expect(replayed.request).toMatchObject({ status: 502, error_code: 'stream_interrupted' });
  expect(replayed.request.hold?.state).toBe('settled');
}

/** Replays one answer under one delivery, and asserts everything that is known of it. */
export async function replayAnswer(
  session: ReplaySession,
  one: ReplayCase,
  replay: { readonly body: Loose; readonly delivery: Delivery },
): Promise<Replayed> {
  const replayed = await session.replay(replay.body, replyOf(one.recording, replay.delivery));
  const { expected } = one;
  switch (expected.type) {
    case 'answer':
      expectAnswer(one, expected, replayed);
      break;
    case 'refused':
      expectRefused(expected, replayed);
      break;
    case 'broken':
      expectBroken(expected, replayed);
      break;
  }
  expect(replayed.sent.map((sent) => sent.model)).toEqual([one.model]);
  return replayed;
}
