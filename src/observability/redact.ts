/**
 * Takes secrets out of text that is about to leave the process: logs, errors, alerts.
 *
 * @module
 */

/**
 * Keys by their shapes: this gateway's own, and those that providers issue (`sk-…`, `hf_…`, `AIza…`, `gsk_…`,
 * `xai-…`, `r8_…`), and anything after `Bearer`.
 */
const SECRET =
  /\b(?:agk_|agt_|sk-|sk_|hf_|gsk_|xai-|r8_|pk-|key-|AIza|whsec_)[A-Za-z0-9_\-.]{6,}|(?<=bearer\s+)[^\s"',]{8,}|(?<=[?&](?:key|api_key|token)=)[^&\s"']+/gi;

export function redactSecrets(text: string): string {
  return text.replace(SECRET, '[redacted]');
}
