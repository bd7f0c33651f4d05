/**
 * What is answered at once behind the router: hf-inference's pipelines, fal's and groq's transcripts, together's pictures
 * (https://huggingface.co/docs/inference-providers/tasks; recorded: pictures, speech and transcripts of hf-inference, a transcript
 * of fal, a picture of together). Which task a pipeline does follows from words in the model's name, as the Hub knows it from its card.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { findFault, type Fault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { listOf, numberOf, objectOf, stringOf, type JsonObject } from '../core/json.ts';
import { createRandom } from '../core/random.ts';
import { NO_USAGE, type BodyReply, type SimulatedMedia } from '../core/reply.ts';
import { simulatedPng } from '../media/png.ts';
import { soundSeconds, speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { transcriptionRoute } from '../openai/transcription.ts';
import { huggingfaceErrorJson } from './errors.ts';

const SIDE_MAX = 4096;
const VECTOR_LENGTH = 384;

export interface Sides {
  readonly width: number;
  readonly height: number;
}

function headersOf(call: SimulatedCall, type: string): Record<string, string> {
  return { 'content-type': type, 'x-request-id': call.id, 'x-powered-by': 'huggingface-moon' };
}

export function reply(
  call: SimulatedCall,
  content: { readonly body: object | Buffer; readonly type?: string },
  media: SimulatedMedia,
): BodyReply {
  const { body, type = 'application/json' } = content;
  return {
    kind: 'body',
    status: 200,
    headers: headersOf(call, type),
    body: Buffer.isBuffer(body) ? body : JSON.stringify(body),
    usage: { ...NO_USAGE, media },
  };
}

export function refuse(call: SimulatedCall, error: string): BodyReply {
  return {
    kind: 'body',
    status: 422,
    headers: headersOf(call, 'application/json'),
    body: JSON.stringify({ error }),
    usage: null,
  };
}

/** An answer, or what a fault makes of it inside HTTP 200. */
export function bent(
  call: SimulatedCall,
  whole: BodyReply,
  { model, faults }: { readonly model: string; readonly faults: readonly Fault[] },
): BodyReply {
  const inBand = findFault(faults, 'in-band-error');
  if (inBand !== undefined) {
    return {
      ...whole,
      headers: headersOf(call, 'application/json'),
      body: huggingfaceErrorJson(inBand.error, model),
      usage: null,
    };
  }
  const isEmpty = findFault(faults, 'empty') !== undefined;
  return isEmpty ? { ...whole, body: '{}', usage: null } : whole;
}

/** Sides of a picture, within what the simulator draws. */
export function sidesOf(members: JsonObject): Sides | null {
  const width = numberOf(members['width']) ?? 1024;
  const height = numberOf(members['height']) ?? 1024;
  const isDrawable = (side: number): boolean => side >= 1 && side <= SIDE_MAX;
  return isDrawable(width) && isDrawable(height) ? { width, height } : null;
}

/** A picture of that size, other for another prompt, seed or picture sent along. */
export function drawn(call: SimulatedCall, sides: Sides): Buffer {
  return simulatedPng(sides, `${call.seed}/${hash('sha256', call.body, 'hex').slice(0, 16)}`);
}

function picture(call: SimulatedCall, body: JsonObject): BodyReply {
  const parameters = objectOf(body['parameters']);
  const isEdit = stringOf(parameters['prompt']) !== null;
  const sides = sidesOf(isEdit ? objectOf(parameters['target_size']) : parameters);
  if (stringOf(body['inputs']) === null) return refuse(call, 'Missing field `inputs`');
  if (sides === null) return refuse(call, 'Input validation error: size');
  return reply(call, { body: drawn(call, sides), type: 'image/png' }, { images: 1 });
}

function speech(call: SimulatedCall, body: JsonObject): BodyReply {
  const text = stringOf(body['inputs']);
  if (text === null) return refuse(call, 'Missing field `inputs`');
  const wav = wavOf(tonePcm(speechMs(text, 1), `${call.seed}/${text}`));
  return reply(call, { body: wav, type: 'audio/wav' }, { characters: Array.from(text).length });
}

function transcript(call: SimulatedCall, sound: Buffer, withTimes: boolean): BodyReply {
  const seconds = soundSeconds(sound);
  const text = ` Simulated transcript of ${String(sound.length)} bytes, ${hash('sha256', sound, 'hex').slice(0, 8)}.`;
  const chunks = withTimes ? { chunks: [{ timestamp: [0, seconds], text, speaker: null }] } : {};
  return reply(call, { body: { text, ...chunks } }, { audioSeconds: Math.ceil(seconds) });
}

function heard(call: SimulatedCall, body: JsonObject): BodyReply {
  if (call.json === undefined) return transcript(call, call.body, false);
  const sound = Buffer.from(stringOf(body['inputs']) ?? '', 'base64');
  return transcript(call, sound, objectOf(body['parameters'])['return_timestamps'] === true);
}

function vectors(call: SimulatedCall, body: JsonObject): BodyReply {
  const texts = listOf(body['inputs']).filter((text) => typeof text === 'string');
  if (texts.length === 0) return refuse(call, 'Missing field `inputs`');
  const rows = texts.map((text) => {
    const random = createRandom(call.seed, 'embedding', text);
    return Array.from({ length: VECTOR_LENGTH }, () => random.next() * 2 - 1);
  });
  return reply(call, { body: rows }, { inputs: texts.length });
}

function pipeline(call: SimulatedCall, model: string, task: string | undefined): BodyReply {
  const body = objectOf(call.json);
  if (task !== undefined) return vectors(call, body);
  if (/whisper|wav2vec|asr/i.test(model)) return heard(call, body);
  return /tts|vits|speech/i.test(model) ? speech(call, body) : picture(call, body);
}

function together(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  const model = stringOf(body['model']) ?? '';
  return {
    model,
    stream: false,
    answer(faults) {
      const sides = sidesOf(body);
      if (sides === null) return refuse(call, 'size');
      const data = [{ index: 0, b64_json: drawn(call, sides).toString('base64') }];
      const whole = reply(
        call,
        { body: { id: call.id, model, object: 'list', data } },
        { images: 1 },
      );
      return bent(call, whole, { model, faults });
    },
  };
}

function falTranscript(call: SimulatedCall, model: string): FamilyRoute {
  return {
    model,
    stream: false,
    answer(faults) {
      const address = stringOf(objectOf(call.json)['audio_url']) ?? '';
      const encoded = /^data:[^,]*;base64,(.*)$/.exec(address)?.[1];
      if (encoded === undefined) return refuse(call, 'audio_url: field required');
      return bent(call, transcript(call, Buffer.from(encoded, 'base64'), true), { model, faults });
    },
  };
}

const PIPELINE = /^\/hf-inference\/models\/(.+?)(?:\/pipeline\/(feature-extraction))?$/;

/** The route of a call that is answered at once; null for any other. */
export function pipelineRoute(call: SimulatedCall): FamilyRoute | null {
  if (call.method !== 'POST') return null;
  const { path } = call;
  if (path === '/together/v1/images/generations') return together(call);
  if (path.startsWith('/groq/openai/v1/audio/')) return transcriptionRoute(call);
  const [, model, task] = PIPELINE.exec(path) ?? [];
  if (model !== undefined) {
    const answer = (faults: readonly Fault[]) =>
      bent(call, pipeline(call, model, task), { model, faults });
    return { model, stream: false, answer };
  }
  const fal = /^\/fal-ai\/(.+)$/.exec(path)?.[1];
  const isQueue = call.query.get('_subdomain') === 'queue';
  return fal === undefined || isQueue ? null : falTranscript(call, fal);
}
