/**
 * How much a chat delta says, for estimates where a provider never counts.
 *
 * @module
 */
import type { ChatDelta } from './normalise.ts';

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  return value === null || value === undefined ? 0 : Buffer.byteLength(JSON.stringify(value));
}

/** Bytes of what a delta says: text, thoughts, a refusal, sound, names and arguments of calls. */
export function saidBytes(delta: ChatDelta): number {
  let bytes = lengthOf(delta.content) + lengthOf(delta.refusal) + lengthOf(delta.audio);
  bytes += lengthOf(delta.reasoning_content ?? delta.reasoning);
  for (const { function: called } of delta.tool_calls ?? [])
    bytes += lengthOf(called?.name) + lengthOf(called?.arguments);
  return bytes;
}
