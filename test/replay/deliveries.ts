/**
 * In which pieces a recording is delivered.
 *
 * @module
 */
import type { Delivery } from '../support/replay-upstream.ts';
import { responseBytes, type Recording } from '../support/recordings.ts';

/** Every so many recordings one is delivered in every mode. */
const SAMPLE_EVERY = 6;
const BYTES_MODE_MAX = 12_000;
const PACED_EVENTS_MAX = 40;

function seedOf(id: string): number {
  let seed = 0;
  for (const character of id) seed = (Math.imul(seed, 31) + (character.codePointAt(0) ?? 0)) | 0;
  return seed;
}

/** At least two modes each; all of them for a sample. */
export function deliveriesFor(recording: Recording, place: number): readonly Delivery[] {
  const cuts: Delivery = { mode: 'cuts', seed: seedOf(recording.id) };
  const { sse } = recording.response;
  if (sse === undefined) return [{ mode: 'whole' }, cuts];
  const usual: readonly Delivery[] = [{ mode: 'events' }, cuts];
  if (place % SAMPLE_EVERY !== 0) return usual;
  const events = sse.split(/\r?\n\r?\n/).length;
  return [
    { mode: 'whole' },
    ...usual,
    { mode: 'cuts', seed: seedOf(recording.id) + 1 },
    ...(responseBytes(recording).length > BYTES_MODE_MAX ? [] : [{ mode: 'bytes' } as const]),
    ...(events > PACED_EVENTS_MAX ? [] : [{ mode: 'paced', pauseMs: 1 } as const]),
  ];
}
