/**
 * Voices that customers have had made, and the consents to them. A removed voice keeps its row: the consent is evidence.
 *
 * @module
 */
export const VOICES = `
CREATE TABLE voice (
  seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL,
  name TEXT NOT NULL, description TEXT, request_id TEXT NOT NULL,
  consent_by TEXT NOT NULL, consent_statement TEXT, consent_at INTEGER NOT NULL, consent_key_id TEXT NOT NULL,
  consent_samples TEXT NOT NULL,
  provider TEXT, model TEXT, voice_id TEXT, removed_at INTEGER,
  CHECK ((provider IS NULL) = (voice_id IS NULL) AND (model IS NULL) = (voice_id IS NULL))
) STRICT;
CREATE INDEX voice_customer ON voice (customer_id);
CREATE INDEX voice_known_as ON voice (voice_id) WHERE voice_id IS NOT NULL;
`;
