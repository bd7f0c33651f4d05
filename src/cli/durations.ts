/**
 * Durations in options.
 *
 * @module
 */
import { parseDurationMs } from '../config/index.ts';
import { usageError } from './cli-error.ts';

/** Whole seconds of an `--overlap`. @throws CliError of usage for what is no duration */
export function overlapSeconds(duration: string): number {
  const milliseconds = parseDurationMs(duration);
  if (milliseconds === null) {
    throw usageError(`--overlap must be a duration such as 1h or 30m; it is "${duration}".`);
  }
  return Math.round(milliseconds / 1000);
}
