/**
 * The Stability wire (`/v2beta`): pictures made, edited, enlarged and controlled, always as forms; two kinds of work that are
 * promised and asked for. Written from the API reference alone: there is no recorded traffic.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { bareContext } from '../core/error-table.ts';
import type { FamilyRoute, SimulatedCall, SimulatorFamily } from '../core/family.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { NO_USAGE, type BodyReply, type SimulatedReply } from '../core/reply.ts';
import { simulatedPng } from '../media/png.ts';
import { fieldOf, partsOf, type SimulatedPart } from '../openai/form.ts';
import { ENDPOINT_RULES, RATIO_SIZES, SD3_MODELS, type EndpointRules } from './endpoints.ts';
import { ID_HEADER, inBandBody, refuse, stabilityError, unknownResult } from './errors.ts';

/** Questions that are answered 202 before work that was promised is there. */
const POLLS_BEFORE_RESULT = 2;
/** Promised work that is remembered; the oldest goes first. */
const RESULTS_MAX = 1000;
const PROMPT_CHARACTERS_MAX = 10_000;
const SIDE_MAX = 4096;
const ONE_IMAGE = { ...NO_USAGE, media: { images: 1 } };

interface Made {
  readonly png: Buffer;
  readonly finishReason: 'SUCCESS' | 'CONTENT_FILTERED';
  readonly seed: number;
}

interface Promised extends Made {
  pollsLeft: number;
}

/** The size that a PNG's header says; null for any other picture. */
function pngSize(bytes: Buffer): { readonly width: number; readonly height: number } | null {
  if (bytes.length < 24 || bytes.toString('latin1', 1, 4) !== 'PNG') return null;
  return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

function fileOf(parts: readonly SimulatedPart[], name: string): Buffer | null {
  return parts.find((part) => part.name === name && part.fileName !== null)?.bytes ?? null;
}

function problemOf(
  call: SimulatedCall,
  parts: readonly SimulatedPart[],
  rules: EndpointRules,
): BodyReply | null {
  const [type = ''] = (call.headers['content-type'] ?? '').split(';');
  if (type !== 'multipart/form-data') {
    return refuse(call, 'content-type: must be multipart/form-data');
  }
  if (!/application\/json|image\/\*/.test(call.headers.accept ?? '')) {
    return refuse(call, 'accept: must be one of: image/*, application/json');
  }
  const files = [...rules.files, ...(rules.neededFiles ?? [])];
  const file = files.find((name) => fileOf(parts, name) === null);
  if (file !== undefined) return refuse(call, `${file}: is required`);
  const text = rules.needed.find((name) => (fieldOf(parts, name) ?? '') === '');
  if (text !== undefined) return refuse(call, `${text}: is required`);
  if ((fieldOf(parts, 'prompt') ?? '').length > PROMPT_CHARACTERS_MAX) {
    return refuse(call, 'prompt: cannot be longer than 10000 characters');
  }
  for (const [name, [least, most]] of Object.entries(rules.ranges)) {
    const value = fieldOf(parts, name);
    if (value !== null && !(Number(value) >= least && Number(value) <= most)) {
      return refuse(call, `${name}: must be between ${least} and ${most}`);
    }
  }
  if ((fieldOf(parts, 'output_format') ?? 'png') !== 'png') {
    return refuse(call, 'output_format: the simulator makes png alone');
  }
  return null;
}

/** What only one endpoint asks for. */
function ownProblemOf(
  call: SimulatedCall,
  parts: readonly SimulatedPart[],
  endpoint: string,
): BodyReply | null {
  const hasImage = fileOf(parts, 'image') !== null;
  if (endpoint === 'generate/sd3') {
    if (!SD3_MODELS.has(fieldOf(parts, 'model') ?? 'sd3.5-large')) {
      return refuse(call, 'model: Invalid enum value.');
    }
    if (hasImage !== (fieldOf(parts, 'mode') === 'image-to-image')) {
      return refuse(call, 'mode: image-to-image needs an image, and an image that mode');
    }
  }
  if (endpoint.startsWith('generate/') && hasImage && fieldOf(parts, 'strength') === null) {
    return refuse(call, 'strength: is required when image is provided');
  }
  const sides = ['left', 'right', 'up', 'down'];
  if (
    endpoint === 'edit/outpaint' &&
    sides.every((side) => Number(fieldOf(parts, side) ?? 0) === 0)
  ) {
    return refuse(call, 'body: at least one outpaint direction must be greater than 0');
  }
  return null;
}

function sizeOf(
  parts: readonly SimulatedPart[],
  rules: EndpointRules,
): { readonly width: number; readonly height: number } {
  const [first] = parts.filter((part) => part.fileName !== null);
  const sent = first === undefined ? null : pngSize(first.bytes);
  const [width, height] = RATIO_SIZES[fieldOf(parts, 'aspect_ratio') ?? '1:1'] ?? [1024, 1024];
  if (sent === null) return { width, height };
  const grown = (side: string): number => Number(fieldOf(parts, side) ?? 0);
  return {
    width: Math.min(SIDE_MAX, sent.width * rules.scale + grown('left') + grown('right')),
    height: Math.min(SIDE_MAX, sent.height * rules.scale + grown('up') + grown('down')),
  };
}

/** The picture follows from every part of the form. */
function make(
  call: SimulatedCall,
  parts: readonly SimulatedPart[],
  made: { readonly rules: EndpointRules; readonly faults: readonly Fault[] },
): Made {
  const looks = parts.map(
    ({ name, bytes }) => `${name}=${hash('sha256', bytes, 'hex').slice(0, 16)}`,
  );
  const seed = Number(fieldOf(parts, 'seed') ?? 0);
  return {
    png: simulatedPng(sizeOf(parts, made.rules), `${call.seed}/${call.path}/${looks.join('/')}`),
    finishReason: findFault(made.faults, 'filtered') === undefined ? 'SUCCESS' : 'CONTENT_FILTERED',
    seed: seed === 0 ? 343_940_597 : seed,
  };
}

/** As bytes with headers, or in JSON under `member`. */
function pictureReply(call: SimulatedCall, made: Made, member: 'image' | 'result'): BodyReply {
  const { png, finishReason, seed } = made;
  const common = { kind: 'body', status: 200, usage: ONE_IMAGE } as const;
  if (/application\/json/.test(call.headers.accept ?? '')) {
    return {
      ...common,
      headers: { 'content-type': 'application/json; type=image/png', [ID_HEADER]: call.id },
      body: JSON.stringify({
        [member]: png.toString('base64'),
        finish_reason: finishReason,
        seed,
      }),
    };
  }
  return {
    ...common,
    headers: {
      'content-type': 'image/png',
      'finish-reason': finishReason,
      seed: String(seed),
      [ID_HEADER]: call.id,
    },
    body: png,
  };
}

function jsonReply(call: SimulatedCall, status: number, value: object): BodyReply {
  return {
    kind: 'body',
    status,
    headers: { 'content-type': 'application/json', [ID_HEADER]: call.id },
    body: JSON.stringify(value),
    usage: null,
  };
}

/** Work that was promised, by id. Billed once, when the promise is given. */
class Promises {
  readonly #byId = new Map<string, Promised>();

  give(call: SimulatedCall, made: Made): BodyReply {
    const id = hash('sha256', `${call.seed}/${call.id}`, 'hex');
    this.#byId.set(id, { ...made, pollsLeft: POLLS_BEFORE_RESULT });
    const [oldest] = this.#byId.keys();
    if (this.#byId.size > RESULTS_MAX && oldest !== undefined) this.#byId.delete(oldest);
    return { ...jsonReply(call, 200, { id }), usage: ONE_IMAGE };
  }

  ask(call: SimulatedCall, id: string): BodyReply {
    const promised = this.#byId.get(id);
    if (promised === undefined) return unknownResult(call);
    if (promised.pollsLeft > 0) {
      promised.pollsLeft -= 1;
      return jsonReply(call, 202, { id, status: 'in-progress' });
    }
    return { ...pictureReply(call, promised, 'result'), usage: null };
  }
}

function answer(
  call: SimulatedCall,
  endpoint: string,
  work: { readonly promises: Promises; readonly faults: readonly Fault[] },
): SimulatedReply {
  const rules = ENDPOINT_RULES[endpoint];
  if (rules === undefined) return stabilityError('not_found', bareContext(call.id));
  const parts = partsOf(call);
  const problem = problemOf(call, parts, rules) ?? ownProblemOf(call, parts, endpoint);
  if (problem !== null) return problem;
  const inBand = findFault(work.faults, 'in-band-error');
  const made = make(call, parts, { rules, faults: work.faults });
  const reply = rules.isAsync ? work.promises.give(call, made) : pictureReply(call, made, 'image');
  return inBand === undefined
    ? reply
    : { ...reply, body: inBandBody(inBand.error, call.id), usage: null };
}

const PATH = /^\/v2beta\/stable-image\/((?:generate|edit|upscale|control)\/[\w-]+)$/;
const RESULT_PATH = /^\/v2beta\/results\/([\w-]+)$/;

/** The name under which the gateway sells an endpoint. */
function modelOf(call: SimulatedCall, endpoint: string): string {
  const [group = '', name = ''] = endpoint.split('/');
  if (name === 'sd3') return fieldOf(partsOf(call), 'model') ?? 'sd3.5-large';
  return group === 'upscale' ? `upscale-${name}` : name;
}

/** A family with its own promised work. */
export function createStabilityFamily(): SimulatorFamily {
  const promises = new Promises();
  return {
    name: 'stability',
    route(call): FamilyRoute | null {
      const endpoint = PATH.exec(call.path)?.[1];
      if (call.method === 'POST' && endpoint !== undefined) {
        return {
          model: modelOf(call, endpoint),
          stream: false,
          answer: (faults) => answer(call, endpoint, { promises, faults }),
        };
      }
      const id = RESULT_PATH.exec(call.path)?.[1];
      if (call.method !== 'GET' || id === undefined) return null;
      return { model: null, stream: false, answer: () => promises.ask(call, id) };
    },
    credentialOf: (call) => /^Bearer\s+(.+)$/i.exec(call.headers.authorization ?? '')?.[1] ?? null,
    error: stabilityError,
    notFound: (call) => stabilityError('not_found', bareContext(call.id)),
    unauthorised: (call) => stabilityError('auth', bareContext(call.id)),
  };
}
