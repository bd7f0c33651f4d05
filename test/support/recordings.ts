/**
 * Recorded provider traffic: where it lies, and its types as far as tests read them.
 *
 * @module
 */
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** A line of `index.json`. */
export interface RecordingEntry {
  /** Path without `.json`. */
  readonly id: string;
  readonly provider: string;
  /** `chat.tools.stream`, `generateContent`, `error.429` … */
  readonly operation: string;
  readonly features: readonly string[];
  readonly model: string | null;
  readonly method: string;
  readonly host: string;
  readonly path: string;
  readonly status: number;
  readonly kind: 'json' | 'sse' | 'text' | 'binary';
  readonly fidelity: 'recorded' | 'semantic' | 'response-only' | 'edited';
}

/** One recorded exchange; exactly one of the response's body members is there. */
export interface Recording {
  readonly id: string;
  readonly provider: string;
  readonly operation: string;
  readonly model: string | null;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly body?: unknown;
    readonly bodyOmitted?: boolean;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly sse?: string;
    readonly text?: string;
    readonly bodyBase64?: string;
  };
}

const directory =
  process.env['GATEWAY_RECORDED_DIR'] ??
  resolve(import.meta.dirname, '../../../shared/fixtures/recorded');
const indexPath = join(directory, 'index.json');

/** Whether the recordings are there; tests that need them are skipped without. */
export const hasRecordings = existsSync(indexPath);

/** Says on standard error, once a file, why its tests are skipped. */
export function explainAbsence(): void {
  if (hasRecordings) return;
  process.stderr.write(
    `recorded traffic is absent at ${directory} (GATEWAY_RECORDED_DIR): its tests are skipped\n`,
  );
}

/** Every recording, or none where they are absent. */
export function recordingEntries(): readonly RecordingEntry[] {
  return hasRecordings ? (JSON.parse(readFileSync(indexPath, 'utf8')) as RecordingEntry[]) : [];
}

export function loadRecording(id: string): Recording {
  return JSON.parse(readFileSync(join(directory, `${id}.json`), 'utf8')) as Recording;
}

/** The bytes of the recorded response body. JSON was parsed when it was recorded, so it is written anew. */
export function responseBytes({ response }: Recording): Buffer {
  if (response.sse !== undefined) return Buffer.from(response.sse);
  if (response.text !== undefined) return Buffer.from(response.text);
  if (response.bodyBase64 !== undefined) return Buffer.from(response.bodyBase64, 'base64');
  return Buffer.from(JSON.stringify(response.body));
}
