/**
 * `POST /v1/speech-to-text` (https://elevenlabs.io/docs/api-reference/speech-to-text/convert; recorded replies of scribe).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { hear, type Heard } from '../media/recording.ts';
import { fieldOf, partsOf } from '../openai/form.ts';
import { ID_HEADER, inBandBody, invalidField, refuse } from './errors.ts';

/** Words, and the spaces between them; half of them each speaker's, where speakers are told apart. */
function piecesOf({ words }: Heard, diarizes: boolean): readonly object[] {
  return words.flatMap(({ word, start, end }, at) => {
    const speaker = { speaker_id: diarizes && at >= words.length / 2 ? 'speaker_1' : 'speaker_0' };
    const piece = { text: word, start, end, type: 'word', ...speaker, logprob: 0 };
    const space = { text: ' ', start: end, end, type: 'spacing', ...speaker, logprob: 0 };
    return at === words.length - 1 ? [piece] : [piece, space];
  });
}

function answer(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const parts = partsOf(call);
  const model = fieldOf(parts, 'model_id') ?? '';
  const file = parts.find((part) => part.name === 'file' && part.fileName !== null);
  if (model === '') return invalidField(call, 'model_id');
  if (!model.startsWith('scribe_')) {
    const message = `'${model}' is not a valid model_id.`;
    return refuse(call, { status: 400, word: 'invalid_model_id', message });
  }
  if (file === undefined || file.bytes.length === 0) return invalidField(call, 'file');
  const inBand = findFault(faults, 'in-band-error');
  const heard = hear(file.bytes);
  const body = {
    language_code: 'eng',
    language_probability: 0.97,
    text: heard.text,
    words: piecesOf(heard, fieldOf(parts, 'diarize') === 'true'),
    transcription_id: call.id,
    audio_duration_secs: heard.seconds,
  };
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json', [ID_HEADER]: call.id },
    body: inBand === undefined ? JSON.stringify(body) : inBandBody(inBand.error, call.id),
    usage: inBand === undefined ? { ...NO_USAGE, media: { audioSeconds: heard.seconds } } : null,
  };
}

export function transcriptionRoute(call: SimulatedCall): FamilyRoute {
  return {
    model: fieldOf(partsOf(call), 'model_id'),
    stream: false,
    answer: (faults) => answer(call, faults),
  };
}
