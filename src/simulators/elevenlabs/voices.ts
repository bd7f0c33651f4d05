/**
 * `GET /v1/voices` and `POST /v1/voices/add` (https://elevenlabs.io/docs/api-reference/voices/get-all, …/voices/ivc/create).
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { BodyReply } from '../core/reply.ts';
import { fieldOf, partsOf } from '../openai/form.ts';
import { ID_HEADER, invalidField } from './errors.ts';

/** Voices that are made are remembered, up to so many. */
const VOICES_MAX = 1000;

interface SimulatedVoice {
  readonly voice_id: string;
  readonly name: string;
  readonly category: 'premade' | 'cloned';
  readonly description: string | null;
  readonly labels: Readonly<Record<string, string>>;
  readonly preview_url: string | null;
}

function premade(id: string, name: string, gender: string): SimulatedVoice {
  return {
    voice_id: id,
    name,
    category: 'premade',
    description: 'A simulated voice',
    labels: {
      accent: 'simulated',
      age: 'middle_aged',
      gender,
      language: 'en',
      use_case: 'narration',
    },
    preview_url: `https://storage.simulator.invalid/${id}.mp3`,
  };
}

const PREMADE = [
  premade('simulatedVoiceOne001', 'Simulated One', 'female'),
  premade('simulatedVoiceTwo002', 'Simulated Two', 'male'),
];

function reply(call: SimulatedCall, value: object): BodyReply {
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json', [ID_HEADER]: call.id },
    body: JSON.stringify(value),
    usage: null,
  };
}

/** The voices of an account. One account for all callers. */
export class VoiceBook {
  readonly #made = new Map<string, SimulatedVoice>();

  has(id: string): boolean {
    return this.#made.has(id) || PREMADE.some((voice) => voice.voice_id === id);
  }

  listRoute(call: SimulatedCall): FamilyRoute {
    return {
      model: null,
      stream: false,
      answer: () => reply(call, { voices: [...PREMADE, ...this.#made.values()] }),
    };
  }

  addRoute(call: SimulatedCall): FamilyRoute {
    return { model: 'instant-voice-clone', stream: false, answer: () => this.#add(call) };
  }

  #add(call: SimulatedCall): BodyReply {
    const parts = partsOf(call);
    const name = fieldOf(parts, 'name') ?? '';
    if (name === '') return invalidField(call, 'name');
    if (!parts.some((part) => part.name === 'files' && part.fileName !== null)) {
      return invalidField(call, 'files');
    }
    const id = `clone${hash('sha256', `${call.seed}/${call.id}`, 'hex').slice(0, 15)}`;
    const description = fieldOf(parts, 'description');
    this.#made.set(id, {
      voice_id: id,
      name,
      category: 'cloned',
      description,
      labels: {},
      preview_url: null,
    });
    const [oldest] = this.#made.keys();
    if (this.#made.size > VOICES_MAX && oldest !== undefined) this.#made.delete(oldest);
    return reply(call, { voice_id: id, requires_verification: false });
  }
}
