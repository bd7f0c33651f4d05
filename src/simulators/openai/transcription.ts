/**
 * `POST /v1/audio/transcriptions` and `/v1/audio/translations`
 * (https://platform.openai.com/docs/api-reference/audio; recorded whisper-1 and gpt-4o-transcribe-diarize).
 *
 * The length of a WAV is read from its header; of any other file it is taken as one second for every 16,000 bytes.
 *
 * @module
 */
import { hash } from 'node:crypto';
import { findFault, type Fault } from '../core/fault.ts';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import type { BodyReply, SimulatedReply, SimulatedUsage } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { soundSeconds } from '../media/sound.ts';
import { errorJson } from './errors.ts';
import { fieldOf, partsOf, type SimulatedPart } from './form.ts';
import { jsonReply, mediaUsage, refuse } from './media-reply.ts';

const AUDIO_TOKENS_PER_SECOND = 10;

interface Heard {
  readonly model: string;
  readonly format: string;
  readonly seconds: number;
  readonly text: string;
  readonly granularities: readonly string[];
  readonly isTranslation: boolean;
}

/** Only whisper is sold by the second. */
function sellsTokens(model: string): boolean {
  return model.includes('transcribe') && model.startsWith('gpt');
}

function wordsOf({ text, seconds }: Heard): readonly object[] {
  const words = text.split(' ');
  const each = seconds / words.length;
  return words.map((word, at) => ({ word, start: at * each, end: (at + 1) * each }));
}

function usageMember(heard: Heard): object {
  if (!sellsTokens(heard.model)) return { type: 'duration', seconds: Math.ceil(heard.seconds) };
  const input = Math.ceil(heard.seconds * AUDIO_TOKENS_PER_SECOND);
  const output = countTokens(heard.text);
  return {
    type: 'tokens',
    total_tokens: input + output,
    input_tokens: input,
    input_token_details: { text_tokens: 0, audio_tokens: input },
    output_tokens: output,
  };
}

function bodyOf(heard: Heard): object {
  const { text, seconds, format } = heard;
  const end = seconds;
  switch (format) {
    case 'verbose_json':
      return {
        task: heard.isTranslation ? 'translate' : 'transcribe',
        language: 'english',
        duration: seconds,
        text,
        ...(heard.granularities.includes('word') ? { words: wordsOf(heard) } : {}),
        ...(heard.granularities.length === 0 || heard.granularities.includes('segment')
          ? {
              segments: [
                {
                  id: 0,
                  seek: 0,
                  start: 0,
                  end,
                  text,
                  tokens: [],
                  temperature: 0,
                  avg_logprob: -0.1,
                  compression_ratio: 1,
                  no_speech_prob: 0,
                },
              ],
            }
          : {}),
      };
    case 'diarized_json':
      return {
        text,
        task: 'transcribe',
        duration: seconds,
        segments: [
          { type: 'transcript.text.segment', text, speaker: 'A', start: 0, end, id: 'seg_0' },
        ],
      };
    default:
      return { text };
  }
}

function problemOf(
  call: SimulatedCall,
  file: SimulatedPart | undefined,
  heard: { model: string; format: string },
): SimulatedReply | null {
  if (file === undefined || file.bytes.length === 0)
    return refuse(call, 'file', 'Invalid file format.');
  if (!['json', 'verbose_json', 'diarized_json'].includes(heard.format)) {
    return refuse(call, 'response_format', 'The simulator answers in JSON alone.');
  }
  if (sellsTokens(heard.model) && heard.format === 'verbose_json') {
    return refuse(
      call,
      'response_format',
      "response_format 'verbose_json' is not compatible with this model.",
    );
  }
  return null;
}

function answerTranscription(
  call: SimulatedCall,
  parts: readonly SimulatedPart[],
  faults: readonly Fault[],
): SimulatedReply {
  const file = parts.find((part) => part.name === 'file' && part.fileName !== null);
  const model = fieldOf(parts, 'model') ?? '';
  const format = fieldOf(parts, 'response_format') ?? 'json';
  const problem = problemOf(call, file, { model, format });
  if (problem !== null || file === undefined) return problem ?? refuse(call, 'file', 'No file.');
  const heard: Heard = {
    model,
    format,
    seconds: soundSeconds(file.bytes),
    text: `Simulated transcript of ${String(file.bytes.length)} bytes, ${hash('sha256', file.bytes, 'hex').slice(0, 8)}.`,
    granularities: parts
      .filter((part) => part.name === 'timestamp_granularities[]')
      .map((part) => part.bytes.toString('utf8')),
    isTranslation: call.path.endsWith('translations'),
  };
  const hidesUsage = findFault(faults, 'usage')?.how === 'none';
  const inBand = findFault(faults, 'in-band-error');
  const input = Math.ceil(heard.seconds * AUDIO_TOKENS_PER_SECOND);
  const tokens = sellsTokens(model)
    ? { inputTokens: input, audioTokens: input, outputTokens: countTokens(heard.text) }
    : {};
  const usage = mediaUsage({ audioSeconds: Math.ceil(heard.seconds) }, tokens);
  const reply = jsonReply(
    call,
    { ...bodyOf(heard), ...(hidesUsage ? {} : { usage: usageMember(heard) }) },
    usage,
  );
  if (inBand !== undefined) return { ...reply, body: errorJson(inBand.error, model), usage: null };
  return isStreamed(parts) ? streamedTranscript(reply, heard, usage) : reply;
}

function isStreamed(parts: readonly SimulatedPart[]): boolean {
  return (
    fieldOf(parts, 'stream') === 'true' && !(fieldOf(parts, 'model') ?? '').includes('whisper')
  );
}

/** A delta a word, and the whole at the end. */
function streamedTranscript(reply: BodyReply, heard: Heard, usage: SimulatedUsage): SimulatedReply {
  const words = heard.text.split(' ');
  const deltas = words.map((word, at) => ({
    kind: 'content' as const,
    data: JSON.stringify({
      type: 'transcript.text.delta',
      delta: at === words.length - 1 ? word : `${word} `,
    }),
    producedTokens: Math.ceil((usage.outputTokens * (at + 1)) / words.length),
  }));
  const done = {
    type: 'transcript.text.done',
    text: heard.text,
    usage: usageMember(heard),
  };
  return {
    kind: 'stream',
    status: 200,
    headers: { ...reply.headers, 'content-type': 'text/event-stream; charset=utf-8' },
    framing: 'lf',
    events: [
      ...deltas,
      { kind: 'finish', data: JSON.stringify(done), producedTokens: usage.outputTokens },
    ],
    usage,
    inBandError: (error) => errorJson(error, heard.model),
  };
}

export function transcriptionRoute(call: SimulatedCall): FamilyRoute {
  const parts = partsOf(call);
  return {
    model: fieldOf(parts, 'model'),
    stream: isStreamed(parts),
    answer: (faults) => answerTranscription(call, parts, faults),
  };
}
