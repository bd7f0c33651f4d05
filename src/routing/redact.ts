/**
 * Makes a provider's sentence fit to be shown to a caller.
 *
 * @module
 */

const MAX_LENGTH = 500;
/** Input beyond this is cut before any pattern runs, so that the work is bounded. */
const MAX_SCANNED = 4000;
const REDACTED = '[redacted]';

/** Named forms of credentials, whole or masked by the provider (`sk-proj-********abcd`). */
const NAMED_SECRET =
  /\b(?:(?:sk|pk|rk|gsk|hf|r8|xai|pplx|csk|tvly|agk|agt|ghp)[-_]|AKIA|AIza|ya29\.|eyJ)[-_.A-Za-z0-9*•…]{6,}/g;
/** `Bearer x`, `api_key=x`, `"token": "x"`; a value with a digit or a mask, so that prose stays. */
const LABELLED_SECRET =
  /\b(bearer|basic|token|api[-_ ]?key|key|password|secret)(["']?\s*[:=]\s*["']?|\s+["']?)(?=[^\s"',;)}\]]*[\d*])[^\s"',;)}\]]{8,}/gi;
/** Unlabelled keys: one unbroken run; names of models and ids in groups are shorter. */
const LONG_RUN = /[A-Za-z0-9+]{20,}/g;
const USER_INFO = /(https?:\/\/)[^\s/@]{1,200}@/gi;
// oxlint-disable-next-line no-control-regex -- control characters are what is removed
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g;

function looksRandom(run: string): boolean {
  return /\d/.test(run) && /[A-Za-z]/.test(run);
}

/**
 * The sentence without anything key-like, control characters and markup, at most 500 characters. Empty for
 * HTML and other markup, which says nothing to a caller.
 */
export function redactMessage(message: string): string {
  const text = message.slice(0, MAX_SCANNED).replace(CONTROL, ' ').trim();
  if (text.startsWith('<')) return '';
  const clean = text
    .replace(USER_INFO, `$1${REDACTED}@`)
    .replace(NAMED_SECRET, REDACTED)
    .replace(LABELLED_SECRET, `$1$2${REDACTED}`)
    .replace(LONG_RUN, (run) => (looksRandom(run) ? REDACTED : run))
    .replace(/ {2,}/g, ' ');
  return clean.length <= MAX_LENGTH ? clean : `${clean.slice(0, MAX_LENGTH - 1)}…`;
}
