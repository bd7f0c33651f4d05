/**
 * The simulator's own routes for voices: a list, clones that follow from their recordings, and their removal.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { errorJson } from './errors.ts';
import { fieldOf, partsOf } from './form.ts';
import { jsonReply, mediaUsage, refuse } from './media-reply.ts';

const PATH = '/v1/audio/voices';

const VOICES = ['slt', 'rms', 'awb', 'kal'].map((id) => ({
  id,
  name: id,
  language: 'en-US',
  gender: id === 'slt' ? 'female' : 'male',
}));

function cloned(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const parts = partsOf(call);
  const samples = parts.filter((part) => part.fileName !== null && part.name === 'samples');
  const name = fieldOf(parts, 'name');
  const inBand = findFault(faults, 'in-band-error');
  if (inBand !== undefined) {
    const reply = jsonReply(call, {}, NO_USAGE);
    return { ...reply, body: errorJson(inBand.error, fieldOf(parts, 'model') ?? ''), usage: null };
  }
  if (name === null || name === '') return refuse(call, 'name', "Missing parameter: 'name'.");
  if (samples.length === 0) return refuse(call, 'samples', "Missing parameter: 'samples'.");
  const looks = samples.map(({ bytes }) => hash('sha256', bytes, 'hex')).join('/');
  const id = `sim-voice-${hash('sha256', `${call.seed}/${name}/${looks}`, 'hex').slice(0, 20)}`;
  const characters = Array.from(fieldOf(parts, 'text') ?? '').length;
  return jsonReply(call, { id, name, object: 'voice' }, mediaUsage({ voiceClones: 1, characters }));
}

/** Null for a call that is none of voices. */
export function voicesRoute(call: SimulatedCall): FamilyRoute | null {
  const plain = { model: null, stream: false } as const;
  if (call.path === PATH && call.method === 'GET') {
    const list = { object: 'list', data: VOICES };
    return { ...plain, answer: () => ({ ...jsonReply(call, list, NO_USAGE), usage: null }) };
  }
  if (call.path === PATH && call.method === 'POST') {
    const model = fieldOf(partsOf(call), 'model');
    return { model, stream: false, answer: (faults) => cloned(call, faults) };
  }
  if (call.method === 'DELETE' && call.path.startsWith(`${PATH}/`)) {
    const id = call.path.slice(PATH.length + 1);
    const gone = { id, object: 'voice', deleted: true };
    return { ...plain, answer: () => ({ ...jsonReply(call, gone, NO_USAGE), usage: null }) };
  }
  return null;
}
