/**
 * A job as it is first recorded.
 *
 * @module
 */
import type { JobRecord } from '../../metering/job-port.ts';
import type { CallRun } from '../call-run.ts';
import type { Candidate } from '../candidates.ts';
import type { Gateway } from '../gateway.ts';
import type { OperationCall } from '../operation-call.ts';
import { freezeTerms, type JobTerms } from './job-terms.ts';

/** What is kept of the call, before it is submitted to the candidate. */
export function termsOf(run: CallRun, call: OperationCall, candidate: Candidate): JobTerms {
  const { price, isPinned, dimensions } = candidate;
  const { planId } = run.caller;
  return { price, isPinned, planId, dimensions, spec: call.spec, facts: null, mark: null };
}

/** Of the first candidate; which one it is, and at which price, is written again with every submission. */
export function newJob(gateway: Gateway, run: CallRun, call: OperationCall): JobRecord {
  const [first] = run.candidates;
  if (first === undefined) throw new Error('a run has at least one candidate');
  const nowMs = gateway.clock.nowMs();
  const untilDeadlineMs =
    call.background === true
      ? gateway.settings.jobs.timeoutMs
      : run.deadlineMs - gateway.clock.monotonicMs();
  return {
    id: gateway.ids.next('job'),
    holdId: run.holdId,
    requestId: run.exchange.requestId,
    customerId: run.caller.customer.id,
    keyId: run.caller.key.id,
    operation: call.operation,
    modelAsked: call.model,
    provider: first.provider.definition.id,
    model: first.model,
    simulated: first.provider.simulated,
    state: 'queued',
    version: 1,
    progress: null,
    ticket: null,
    parts: [],
    createdAtMs: nowMs,
    sentAtMs: null,
    startedAtMs: null,
    endedAtMs: null,
    deadlineAtMs: nowMs + Math.max(0, Math.round(untilDeadlineMs)),
    expiresAtMs: null,
    cancelAskedAtMs: null,
    attempts: [],
    warnings: [],
    tags: run.tags,
    terms: freezeTerms(termsOf(run, call, first)),
    outputs: [],
    result: null,
    error: null,
    usage: {},
    costNanoUsd: null,
  };
}
