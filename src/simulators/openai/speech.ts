/**
 * `POST /v1/audio/speech` (https://platform.openai.com/docs/api-reference/audio/createSpeech; recorded gpt-4o-mini-tts).
 *
 * @module
 */
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { numberOf, objectOf, stringOf } from '../core/json.ts';
import type { SimulatedReply } from '../core/reply.ts';
import { countTokens } from '../core/tokens.ts';
import { silentMp3, speechMs, tonePcm, wavOf } from '../media/sound.ts';
import { errorJson } from './errors.ts';
import { bytesReply, mediaUsage, refuse } from './media-reply.ts';

/** Longest text that OpenAI speaks in one call. */
const CHARACTERS_MAX = 4096;

function soundOf(
  format: string,
  durationMs: number,
  seed: string,
): { bytes: Buffer; type: string } | null {
  switch (format) {
    case 'mp3':
      return { bytes: silentMp3(durationMs), type: 'audio/mpeg' };
    case 'wav':
      return { bytes: wavOf(tonePcm(durationMs, seed)), type: 'audio/wav' };
    case 'pcm':
      return { bytes: tonePcm(durationMs, seed), type: 'audio/pcm' };
    default:
      return null;
  }
}

/** About 21 a second, as the price list has it. */
const MS_PER_TOKEN = 48;
const PIECE_BYTES = 8 * 1024;

/** The sound in pieces, and at last what is billed. */
function spokenEvents(
  call: SimulatedCall,
  said: { readonly bytes: Buffer; readonly input: string; readonly model: string },
): SimulatedReply {
  const { bytes, input, model } = said;
  const inputTokens = countTokens(input);
  const outputTokens = Math.ceil(speechMs(input, 1) / MS_PER_TOKEN);
  const pieces = Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, at) =>
    bytes.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES),
  );
  const usage = mediaUsage({ characters: Array.from(input).length }, { inputTokens, outputTokens });
  const told = {
    input_tokens: inputTokens,
    output_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
  return {
    kind: 'stream',
    status: 200,
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': call.id },
    framing: 'lf',
    events: [
      ...pieces.map((piece) => ({
        kind: 'content' as const,
        data: JSON.stringify({ type: 'speech.audio.delta', audio: piece.toString('base64') }),
        producedTokens: 0,
      })),
      {
        kind: 'finish',
        data: JSON.stringify({ type: 'speech.audio.done', usage: told }),
        producedTokens: outputTokens,
      },
    ],
    usage,
    inBandError: (error) => errorJson(error, model),
  };
}

export function speechRoute(call: SimulatedCall): FamilyRoute {
  const body = objectOf(call.json);
  return {
    model: stringOf(body['model']),
    stream: body['stream_format'] === 'sse',
    async answer(): Promise<SimulatedReply> {
      const input = stringOf(body['input']) ?? '';
      const characters = Array.from(input).length;
      if (input === '') return refuse(call, 'input', "Missing required parameter: 'input'.");
      if (characters > CHARACTERS_MAX) {
        return refuse(
          call,
          'input',
          `String should have at most ${String(CHARACTERS_MAX)} characters`,
        );
      }
      const voice = stringOf(body['voice']);
      if (voice === null) return refuse(call, 'voice', "Missing required parameter: 'voice'.");
      const speed = numberOf(body['speed']) ?? 1;
      const format = stringOf(body['response_format']) ?? 'mp3';
      const sound =
        call.voice === null
          ? soundOf(format, speechMs(input, speed), `${call.seed}/${input}`)
          : await call.voice.speak({ text: input, voice, speed, format });
      if (sound === null) {
        return refuse(call, 'response_format', 'The simulator speaks mp3, wav and pcm alone.');
      }
      const model = stringOf(body['model']) ?? '';
      if (body['stream_format'] !== 'sse' || model.startsWith('tts-1')) {
        return bytesReply(call, sound, mediaUsage({ characters }));
      }
      return spokenEvents(call, { bytes: sound.bytes, input, model });
    },
  };
}
