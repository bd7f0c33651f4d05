/**
 * Retry, failover, breaker, budget and deadlines as pure state machines.
 *
 * @module
 */
export {
  attemptTimers,
  DEFAULT_TIMERS,
  requestDeadlineMs,
  type AttemptTimers,
} from './deadline.ts';
export {
  billableOf,
  classOf,
  countsAsFault,
  isTimeout,
  type AttemptFailure,
  type FailureClass,
  type TransportFacts,
  type Work,
} from './failure-class.ts';
export {
  finalError,
  unavailableError,
  type FailedAttempt,
  type Unavailable,
} from './final-error.ts';
export { redactMessage } from './redact.ts';
export {
  decideNext,
  MAX_ATTEMPTS,
  type RetryCandidate,
  type RetryDecision,
  type RetryEffects,
  type RetryInput,
} from './retry-policy.ts';
export { TargetHealth, type Target, type TargetView } from './target-health.ts';
