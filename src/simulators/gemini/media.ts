/**
 * Answers of `generateContent` that hold a picture or speech, or say what was heard
 * (https://ai.google.dev/gemini-api/docs/image-generation, …/speech-generation, …/audio; recorded
 * gemini-3.1-flash-lite-image, gemini-2.5-flash-preview-tts and gemini-2.5-flash).
 *
 * @module
 */
import { hash } from 'node:crypto';
import { findFault, type Fault } from '../core/fault.ts';
import type { SimulatedCall } from '../core/family.ts';
import { listOf, numberOf, objectOf, spacedJson, stringOf, type JsonObject } from '../core/json.ts';
import type { SimulatedReply, SimulatedUsage, StreamEvent } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { simulatedPng } from '../media/png.ts';
import { soundSeconds, speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { geminiErrorBody } from './errors.ts';
import type { GenerateVerb } from './generate.ts';
import {
  camelKeys,
  generationOf,
  partsOf,
  type GenerateRequest,
  type InvalidArgument,
  type Modality,
} from './request.ts';
import { usageMetadata } from './usage.ts';

const SHAPES = '1:1|2:3|3:2|3:4|4:3|4:5|5:4|9:16|16:9|21:9|1:4|4:1|1:8|8:1'.split('|');
const SIDES: Readonly<Record<string, number>> = { '512': 512, '1K': 1024, '2K': 2048, '4K': 4096 };
/** Picture tokens by class of size, as the price list has them. */
const TOKENS: Readonly<Record<string, number>> = { '512': 747, '1K': 1120, '2K': 1680, '4K': 2520 };
const WORDS = 'Simulated: I would rather talk about it.';

/** A request for media, as its `generationConfig` says it. */
interface MediaCall {
  readonly call: SimulatedCall;
  readonly request: GenerateRequest;
  readonly config: JsonObject;
  readonly faults: readonly Fault[];
}

interface Made {
  readonly kind: 'picture' | 'speech' | 'transcript';
  readonly parts: readonly object[];
  readonly modality: Modality;
  readonly tokens: number;
  readonly media: SimulatedUsage['media'];
}

function invalid(message: string, field: string): InvalidArgument {
  return { message, field };
}

/** What the request wants made; `text` where it wants none of it. */
export function wantedOf(json: unknown): 'text' | Made['kind'] {
  const body = camelKeys(objectOf(json));
  const config = camelKeys(objectOf(body['generationConfig']));
  const wanted = listOf(config['responseModalities']).map((name) => String(name).toUpperCase());
  if (wanted.includes('IMAGE')) return 'picture';
  if (wanted.includes('AUDIO')) return 'speech';
  const isPlain = config['responseMimeType'] === 'text/plain';
  const asks = isPlain || JSON.stringify(config['responseJsonSchema'] ?? {}).includes('"segments"');
  return asks && heardIn(body) !== null ? 'transcript' : 'text';
}

/** The first recording of a prompt. */
function heardIn(body: JsonObject): Buffer | null {
  for (const part of listOf(body['contents']).flatMap(partsOf)) {
    const media = camelKeys(objectOf(part['inlineData']));
    if (stringOf(media['mimeType'])?.startsWith('audio/') !== true) continue;
    return Buffer.from(stringOf(media['data']) ?? '', 'base64');
  }
  return null;
}

/** The pixels of a shape in a class; sides are whole sixteens. */
function pixelsOf(shape: string, size: string): { width: number; height: number } {
  const [wide = 1, high = 1] = shape.split(':').map(Number);
  const side = SIDES[size] ?? 1024;
  const whole = (length: number): number => Math.max(16, Math.round(length / 16) * 16);
  return {
    width: whole(side * Math.sqrt(wide / high)),
    height: whole(side * Math.sqrt(high / wide)),
  };
}

function pictureOf({ call, request, config }: MediaCall): Made | InvalidArgument {
  const image = camelKeys(objectOf(config['imageConfig']));
  const shape = stringOf(image['aspectRatio']) ?? '1:1';
  const size = stringOf(image['imageSize']) ?? '1K';
  if (!SHAPES.includes(shape)) return invalid(`Invalid aspect ratio: ${shape}.`, 'image_config');
  if (SIDES[size] === undefined) return invalid(`Invalid image size: ${size}.`, 'image_config');
  if (image['imageSize'] !== undefined && request.model.startsWith('gemini-2.5')) {
    return invalid('Image size is not supported for this model.', 'image_config');
  }
  if (request.answer.choices !== 1) {
    return invalid('Multiple candidates is not enabled for this model.', 'candidate_count');
  }
  const seed = `${call.seed}/${String(numberOf(config['seed']) ?? '')}/${request.answer.asked}`;
  const data = simulatedPng(pixelsOf(shape, size), seed).toString('base64');
  return {
    kind: 'picture',
    parts: [{ inlineData: { mimeType: 'image/png', data } }],
    modality: 'IMAGE',
    tokens: TOKENS[size] ?? 1120,
    media: { images: 1 },
  };
}

const VOICES =
  'Zephyr Puck Charon Kore Fenrir Leda Orus Aoede Callirrhoe Autonoe Enceladus Iapetus Umbriel Algieba Despina Erinome Algenib Rasalgethi Laomedeia Achernar Alnilam Schedar Gacrux Pulcherrima Achird Zubenelgenubi Vindemiatrix Sadachbia Sadaltager Sulafat'.split(
    ' ',
  );
const TOKENS_PER_SECOND = 25;
const BARE_TYPE = 'audio/L16;codec=pcm;rate=24000';

function voiceOf(config: JsonObject): string {
  const speech = camelKeys(objectOf(config['speechConfig']));
  const voice = camelKeys(objectOf(speech['voiceConfig']));
  return stringOf(camelKeys(objectOf(voice['prebuiltVoiceConfig']))['voiceName']) ?? 'Zephyr';
}

/** Bare samples; from 3.8 on a WAV, unless bare ones are asked for. */
function formOf({ request, config }: MediaCall): 'bare' | 'wav' | InvalidArgument {
  const format = camelKeys(objectOf(config['responseFormat']));
  const asked = stringOf(camelKeys(objectOf(format['audio']))['mimeType']);
  if ((generationOf(request.model) ?? 0) >= 3.8) return asked === 'AUDIO_L16' ? 'bare' : 'wav';
  return asked === null
    ? 'bare'
    : invalid('Response format is not supported for this model.', 'response_format');
}

function speechOf(call: MediaCall): Made | InvalidArgument {
  const { request, config } = call;
  const voice = voiceOf(config);
  if (!VOICES.includes(voice)) {
    return invalid(`Voice name ${voice} is not supported.`, 'speech_config');
  }
  const form = formOf(call);
  if (typeof form === 'object') return form;
  const { asked } = request.answer;
  const ms = speechMs(asked, 1);
  const pcm = tonePcm(ms, `${call.call.seed}/${voice}/${asked}`);
  const bytes = form === 'wav' ? wavOf(pcm) : pcm;
  const mimeType = form === 'wav' ? 'audio/wav' : BARE_TYPE;
  return {
    kind: 'speech',
    parts: [{ inlineData: { mimeType, data: bytes.toString('base64') } }],
    modality: 'AUDIO',
    tokens: Math.ceil((ms / 1000) * TOKENS_PER_SECOND),
    media: { characters: Array.from(asked).length },
  };
}

function transcriptOf({ call, config }: MediaCall): Made {
  const heard = heardIn(camelKeys(objectOf(call.json))) ?? Buffer.alloc(0);
  const seconds = soundSeconds(heard);
  const text = `Simulated transcript of ${String(heard.length)} bytes, ${hash('sha256', heard, 'hex').slice(0, 8)}.`;
  const schema = JSON.stringify(config['responseJsonSchema'] ?? {});
  const speaker = schema.includes('"speaker"') ? { speaker: 'A' } : {};
  const segments = [{ start: 0, end: seconds, text, ...speaker }];
  const said = schema.includes('"segments"') ? JSON.stringify({ language: 'en', segments }) : text;
  return {
    kind: 'transcript',
    parts: [{ text: said }],
    modality: 'TEXT',
    tokens: countTokens(said),
    media: { audioSeconds: Math.ceil(seconds) },
  };
}

function madeBy(call: MediaCall): Made | InvalidArgument {
  switch (wantedOf(call.call.json)) {
    case 'picture':
      return pictureOf(call);
    case 'speech':
      return speechOf(call);
    case 'transcript':
    case 'text':
      return transcriptOf(call);
  }
}

/** Nothing was made: a filter's reason, words alone, or no candidate at all. */
function candidatesOf(made: Made, faults: readonly Fault[]): readonly object[] | null {
  const ended = { finishReason: 'STOP', index: 0 };
  if (findFault(faults, 'filtered')?.what === 'answer') {
    const finishReason = made.kind === 'picture' ? 'IMAGE_SAFETY' : 'SAFETY';
    return [{ finishReason, finishMessage: 'Unable to show what was made.', index: 0 }];
  }
  switch (findFault(faults, 'empty')?.what) {
    case 'choices':
      return null;
    case 'content':
      return [{ content: { parts: [{ text: WORDS }], role: 'model' }, ...ended }];
    default:
      return [{ content: { parts: made.parts, role: 'model' }, ...ended }];
  }
}

function outputOf(made: Made, faults: readonly Fault[]): Pick<Made, 'tokens' | 'media'> {
  if (findFault(faults, 'filtered') !== undefined) return { tokens: 0, media: {} };
  const empty = findFault(faults, 'empty')?.what;
  if (empty === 'content') return { tokens: countTokens(WORDS), media: {} };
  return empty === undefined ? made : { tokens: 0, media: {} };
}

interface Answer {
  readonly usage: SimulatedUsage;
  /** A response with these candidates and the usage so far. */
  response(candidates: readonly object[] | null, tokens: number): object;
}

function answerOf({ call, request, faults }: MediaCall, made: Made, isBlocked: boolean): Answer {
  const { tokens: total, media } = outputOf(made, faults);
  const usage = {
    ...request.input,
    outputTokens: isBlocked ? 0 : total,
    ...(media === undefined ? {} : { media }),
  };
  return {
    usage,
    response(candidates, tokens) {
      const known = { ...usage, outputTokens: Math.min(tokens, usage.outputTokens) };
      const byModality = total === made.tokens ? { [made.modality]: known.outputTokens } : {};
      const parts = { usage: known, modalities: request.modalities, made: byModality, faults };
      return {
        ...(candidates === null ? {} : { candidates }),
        ...(isBlocked ? { promptFeedback: { blockReason: 'PROHIBITED_CONTENT' } } : {}),
        usageMetadata: usageMetadata(parts),
        modelVersion: findFault(faults, 'served-model')?.model ?? request.model,
        responseId: call.id,
      };
    },
  };
}

/** Sound in so many events; what is no sound comes in one. */
const SOUND_EVENTS = 4;

/** The parts of a made sound, cut between samples. */
function cutSound(made: Made): readonly object[] {
  const [part] = made.parts;
  const blob = objectOf(objectOf(part)['inlineData']);
  const bytes = Buffer.from(stringOf(blob['data']) ?? '', 'base64');
  const size = Math.max(2, Math.ceil(bytes.length / SOUND_EVENTS / 2) * 2);
  const pieces: object[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const data = bytes.subarray(at, at + size).toString('base64');
    pieces.push({ inlineData: { mimeType: blob['mimeType'], data } });
  }
  return pieces;
}

function soundEvents(made: Made, answer: Answer): readonly StreamEvent[] {
  const pieces = cutSound(made);
  return pieces.map((part, at) => {
    const isLast = at === pieces.length - 1;
    const tokens = Math.ceil((made.tokens * (at + 1)) / pieces.length);
    const end = isLast ? { finishReason: 'STOP' } : {};
    const candidate = { content: { parts: [part], role: 'model' }, ...end, index: 0 };
    return {
      kind: isLast ? 'finish' : 'content',
      data: spacedJson(answer.response([candidate], tokens)),
      producedTokens: tokens,
    };
  });
}

const HEADERS = {
  'content-type': 'application/json; charset=UTF-8',
  'x-gemini-service-tier': 'standard',
};

/** The answer, whole or as events, bent by the faults that concern its content; or why the request is refused. */
export function answerMedia(
  call: SimulatedCall,
  request: GenerateRequest,
  context: { readonly faults: readonly Fault[]; readonly verb: GenerateVerb },
): SimulatedReply | InvalidArgument {
  const { faults, verb } = context;
  const config = camelKeys(objectOf(camelKeys(objectOf(call.json))['generationConfig']));
  const media = { call, request, config, faults };
  const made = madeBy(media);
  if ('message' in made) return made;
  const isBlocked = findFault(faults, 'filtered')?.what === 'prompt';
  const answer = answerOf(media, made, isBlocked);
  const whole = answer.response(isBlocked ? null : candidatesOf(made, faults), made.tokens);
  const error = findFault(faults, 'in-band-error');
  if (verb === 'whole') {
    const value = error === undefined ? whole : geminiErrorBody(error.error, request.model);
    const body = `${JSON.stringify(value, null, 2)}\n`;
    const usage = error === undefined ? answer.usage : null;
    return { kind: 'body', status: 200, headers: HEADERS, body, usage };
  }
  const isBent = isBlocked || outputOf(made, faults) !== made;
  const only: StreamEvent = {
    kind: 'finish',
    data: spacedJson(whole),
    producedTokens: answer.usage.outputTokens,
  };
  return {
    kind: 'stream',
    status: 200,
    headers: verb === 'array' ? HEADERS : { 'content-type': 'text/event-stream' },
    framing: verb === 'array' ? 'array' : 'crlf',
    events: isBent || made.kind !== 'speech' ? [only] : soundEvents(made, answer),
    usage: answer.usage,
    inBandError: (name) => spacedJson(geminiErrorBody(name, request.model)),
  };
}
