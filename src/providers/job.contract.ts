/**
 * What every adapter of work that is followed must do, whatever its wire looks like. A provider's test names one submission
 * and replies at each stage; everything else is derived.
 *
 * @module
 */
import { describe, expect, test } from 'vitest';
import type {
  JobExchange,
  JobProtocol,
  JobReading,
  LostSubmission,
  ProviderTicket,
} from '../contracts/job-provider.ts';
import type { ProviderDefinition } from '../contracts/provider.ts';
import { ProviderFailureError } from '../contracts/provider-failure.ts';
import type { UsageVector } from '../contracts/usage.ts';
import type { ProviderTarget, WireReply } from '../contracts/wire.ts';

const CREDENTIAL = 'secret-credential-7d1f';

/** A reply at one stage, and what it says. */
export interface StageFixture {
  readonly name: string;
  /** As JSON, or as it is. */
  readonly reply: object | WireReply;
  readonly reading: JobReading['type'];
  /** Of what is pending. */
  readonly stage?: 'queued' | 'running';
  /** Of what has failed or was cancelled. */
  readonly isBilled?: boolean;
  /** Of what has succeeded. */
  readonly outputs?: number;
}

export interface JobProviderFixture {
  readonly definition: ProviderDefinition;
  readonly model: string;
  /** One submission by a capability of the definition. */
  readonly start: (target: ProviderTarget) => JobExchange;
  /** What is billed where the end says nothing else. */
  readonly usage: UsageVector;
  readonly startReply: object | WireReply;
  /** At least one that is pending, one that has succeeded, one that has failed. */
  readonly stages: readonly StageFixture[];
  /** A pending reply with a state that nobody has ever seen. */
  readonly unknownState: object | WireReply;
  /** What looks like a reply and is none. */
  readonly broken: readonly object[];
  /** Lists in which the lost submission is once, not at all, and twice; absent: it cannot be looked up. */
  readonly lookUp?: {
    readonly found: (mark: string) => object;
    readonly none: object;
    readonly unclear: (mark: string) => object;
  };
}

function targetOf(model: string, credential: string | null = CREDENTIAL): ProviderTarget {
  return { model, baseUrl: 'https://provider.test', credential, settings: {} };
}

function replyOf(body: object | WireReply | Buffer): WireReply {
  if ('status' in body && 'headers' in body && 'body' in body) return body;
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(JSON.stringify(body));
  return { status: 200, headers: { 'content-type': 'application/json' }, body: bytes };
}

function failsToRead(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ProviderFailureError) return error.failure.kind;
    throw error;
  }
  throw new Error('the reply was read without a failure');
}

function protocolOf(definition: ProviderDefinition): JobProtocol {
  if (definition.jobs === undefined) throw new Error(`${definition.id} follows no work`);
  return definition.jobs;
}

/** No address of another origin is asked with the credential, and none is kept for later. */
function assertOwn(ticket: ProviderTicket): void {
  for (const path of Object.values(ticket.paths)) expect(path).toMatch(/^\/(?!\/)/);
}

function describeLookUp(fixture: JobProviderFixture): void {
  const { definition, model, lookUp: lists } = fixture;
  const { lookUp } = protocolOf(definition);
  test('says whether lost submissions can be looked up', () => {
    expect(lists === undefined).toBe(lookUp === undefined);
  });
  if (lists === undefined || lookUp === undefined) return;
  const marked = lookUp.mark(fixture.start(targetOf(model)).request, 'job_1');
  const lost: LostSubmission = {
    model,
    sentAfterMs: 0,
    sentBeforeMs: Number.MAX_SAFE_INTEGER,
    mark: marked.mark,
  };
  test('finds a lost submission, and nothing else', () => {
    const request = lookUp.request(lost, targetOf(model));
    expect(JSON.stringify(request.headers)).toContain(CREDENTIAL);
    const found = lookUp.read(lost, replyOf(lists.found(marked.mark)));
    if (typeof found === 'string') throw new Error(`it was ${found}`);
    assertOwn(found);
    expect(lookUp.read(lost, replyOf(lists.none))).toBe('none');
    expect(lookUp.read(lost, replyOf(lists.unclear(marked.mark)))).toBe('unclear');
  });
  test('takes an unreadable list for no answer', () => {
    expect(failsToRead(() => lookUp.read(lost, replyOf(Buffer.from('<html>'))))).toBe(
      'malformed_reply',
    );
  });
}

/** Registers the tests of one submission. */
export function describeJobProvider(fixture: JobProviderFixture): void {
  const { definition, model, stages } = fixture;
  const jobs = protocolOf(definition);
  const submission = (): JobExchange => fixture.start(targetOf(model));
  const ticket = (): ProviderTicket => {
    const start = submission().readStart(replyOf(fixture.startReply));
    if (start.type !== 'accepted') throw new Error('the submission of the fixture ends at once');
    return start.ticket;
  };

  describe(`${definition.id}, followed work: ${model}`, () => {
    test('the same options make the same request, with the credential in its headers alone', () => {
      const { request } = submission();
      expect(request).toEqual(submission().request);
      expect(JSON.stringify(request.headers)).toContain(CREDENTIAL);
      expect(request.path).not.toContain(CREDENTIAL);
      expect(request.body?.includes(CREDENTIAL) ?? false).toBe(false);
    });

    test('an accepted submission has a ticket that survives JSON', () => {
      const made = ticket();
      expect(made.id).not.toBe('');
      assertOwn(made);
      expect(JSON.parse(JSON.stringify(made))).toEqual(made);
      expect(submission().facts.usage).toEqual(fixture.usage);
    });

    test('a submission whose reply cannot be read is in doubt, not refused', () => {
      const whole = replyOf(fixture.startReply).body;
      for (const body of [
        whole.subarray(0, whole.length / 2),
        Buffer.from('<html>'),
        Buffer.alloc(0),
      ]) {
        expect(failsToRead(() => submission().readStart(replyOf(body)))).toBe('malformed_reply');
      }
    });

    test('is asked for at the provider’s own origin, with the credential', () => {
      const { min, usual } = jobs.pollEveryMs;
      expect(min).toBeGreaterThan(0);
      expect(usual).toBeGreaterThanOrEqual(min);
      const poll = jobs.poll(ticket(), targetOf(model));
      expect(poll.path).toMatch(/^\/(?!\/)/);
      expect(JSON.stringify(poll.headers)).toContain(CREDENTIAL);
      const cancel = jobs.cancel?.(ticket(), targetOf(model));
      if (cancel !== undefined) expect(JSON.stringify(cancel.headers)).toContain(CREDENTIAL);
    });

    test('has a fixture for what is pending, what has succeeded and what has failed', () => {
      const types = stages.map(({ reading }) => reading);
      expect(types).toEqual(expect.arrayContaining(['pending', 'succeeded', 'failed']));
    });

    test.each(stages.map((stage) => [stage.name, stage] as const))('reads: %s', (_name, stage) => {
      const reading = jobs.readPoll(ticket(), replyOf(stage.reply));
      expect(reading.type).toBe(stage.reading);
      if (reading.type === 'pending') {
        if (stage.stage !== undefined) expect(reading.stage).toBe(stage.stage);
        if (reading.ticket !== null) assertOwn(reading.ticket);
        if (reading.progress !== null) {
          expect(reading.progress).toBeGreaterThanOrEqual(0);
          expect(reading.progress).toBeLessThanOrEqual(1);
        }
      }
      if (reading.type === 'failed' || reading.type === 'cancelled') {
        expect(reading.isBilled).toBe(stage.isBilled ?? false);
      }
      if (reading.type === 'succeeded') {
        const { outputs, transcript } = reading.result;
        expect(outputs).toHaveLength(stage.outputs ?? (transcript === null ? 1 : 0));
        for (const { bytes, url } of outputs) expect(bytes === null).toBe(url !== null);
      }
    });

    test('a state never seen before is work that goes on', () => {
      const reading = jobs.readPoll(ticket(), replyOf(fixture.unknownState));
      expect(reading.type).toBe('pending');
    });

    test.each(fixture.broken.map((body) => [JSON.stringify(body).slice(0, 80), body] as const))(
      'what is no answer is asked again: %s',
      (_name, body) => {
        expect(failsToRead(() => jobs.readPoll(ticket(), replyOf(body)))).toBe('malformed_reply');
      },
    );

    test('an answer that is no JSON is asked again', () => {
      const page = replyOf(Buffer.from('<html>busy</html>'));
      expect(failsToRead(() => jobs.readPoll(ticket(), page))).toBe('malformed_reply');
    });

    describeLookUp(fixture);
  });
}
