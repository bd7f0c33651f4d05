/**
 * Speech through `generateContent`, and through `streamGenerateContent` from Gemini 3.1 on
 * (https://ai.google.dev/gemini-api/docs/speech-generation; recorded gemini-2.5-flash-preview-tts, whole). Models of 2.5
 * and 3.1 answer with bare samples, 3.8 with what is asked for.
 *
 * @module
 */
import type { ResultFacts } from '../../../contracts/media.ts';
import {
  SPEECH_MEDIA_TYPES,
  type SpeechOptions,
  type SpeechProvider,
  type SpeechReader,
} from '../../../contracts/speech-provider.ts';
import type { VoiceListProvider } from '../../../contracts/voice-provider.ts';
import { checkMediaOptions } from '../../media-options.ts';
import { parseEvent, SseFramer } from '../../../http/sse-framer.ts';
import { asRecord, asText, parseJsonOrUndefined, type JsonRecord } from '../json.ts';
import { isAtLeast } from '../model.ts';
import { WarningList } from '../warnings.ts';
import {
  assertNoError,
  failed,
  generateBody,
  madeParts,
  methodRequest,
  objectReply,
  onlyWords,
  type MadeParts,
} from './exchange.ts';
import { assertKind, GEMINI_VOICES, speechModel, voiceNamed } from './models.ts';
import { wavHeader, wavSamples } from './wav.ts';

/** Of `pcm`, as the contract of speech has it. */
const PCM_RATE = 24_000;
/** Ten minutes of sound in base64, and a half as much again. */
const REPLY_MAX_BYTES = 64 * 1024 * 1024;

const ESSENTIAL: ReadonlySet<string> = new Set(['voice']);

type Form = 'wav' | 'pcm';

interface Sound {
  readonly rate: number;
  readonly pcm: Buffer;
}

/** `audio/L16;codec=pcm;rate=24000` (recorded), or a WAV. Little endian, whatever the name says (recorded). */
function soundOf(part: JsonRecord): Sound | null {
  const blob = asRecord(part['inlineData']);
  const data = asText(blob?.['data']);
  if (data === null) return null;
  const bytes = Buffer.from(data, 'base64');
  const type = asText(blob?.['mimeType']) ?? '';
  if (/^audio\/(?:l16|pcm)\b/i.test(type)) {
    return { rate: Number(/rate=(\d{4,6})/.exec(type)?.[1] ?? PCM_RATE), pcm: bytes };
  }
  const sound = wavSamples(bytes);
  if (sound === null) {
    throw failed('malformed_reply', `Gemini sent ${type.slice(0, 80)} where sound was expected.`);
  }
  return sound;
}

/** What both ways of answering have in common: sound is joined, its usage kept. */
abstract class SoundReader implements SpeechReader {
  readonly #form: Form;
  readonly #characters: number;
  #rate: number | null = null;
  #last: MadeParts | null = null;
  facts: ResultFacts | null = null;

  constructor(form: Form, characters: number) {
    this.#form = form;
    this.#characters = characters;
  }

  abstract push(chunk: Buffer): Buffer | null;
  abstract end(): Buffer | null;

  protected get hasSound(): boolean {
    return this.#rate !== null;
  }

  protected get last(): MadeParts | null {
    return this.#last;
  }

  /** The sound of one response, behind a header where it is the first. `isWhole`: no other follows. */
  protected soundOf(made: MadeParts, isWhole: boolean): Buffer | null {
    this.#last = made;
    if (made.usage !== null) {
      this.facts = {
        usage: { ...made.usage, characters: this.#characters },
        modelServed: made.modelServed,
        dimensions: {},
      };
    }
    const sounds = made.parts.flatMap((part) => soundOf(part) ?? []);
    const pcm = Buffer.concat(sounds.map((sound) => sound.pcm));
    const [first] = sounds;
    if (first === undefined || pcm.length === 0) return null;
    const isFirst = this.#rate === null;
    this.#rate ??= first.rate;
    if (sounds.some((sound) => sound.rate !== this.#rate)) {
      throw failed('malformed_reply', 'Gemini changed the rate of its sound.');
    }
    if (this.#form === 'pcm') {
      if (this.#rate === PCM_RATE) return pcm;
      throw failed('malformed_reply', `Gemini sent sound at ${this.#rate} Hz: ask for wav.`);
    }
    if (!isFirst) return pcm;
    return Buffer.concat([wavHeader(this.#rate, isWhole ? pcm.length : null), pcm]);
  }
}

/** One JSON object, read when it is whole. */
class WholeSound extends SoundReader {
  #chunks: Buffer[] = [];
  #bytes = 0;

  push(chunk: Buffer): null {
    this.#bytes += chunk.length;
    if (this.#bytes > REPLY_MAX_BYTES) {
      this.#chunks = [];
      throw failed('malformed_reply', 'Gemini sent more sound than any text has.');
    }
    this.#chunks.push(Buffer.from(chunk));
    return null;
  }

  end(): Buffer {
    const body = Buffer.concat(this.#chunks);
    const made = madeParts(objectReply({ status: 200, headers: {}, body }));
    const sound = this.soundOf(made, true);
    if (sound === null) throw onlyWords(made, 'sound');
    return sound;
  }
}

/** Server-sent events, a response in each; they end with the connection. */
class StreamedSound extends SoundReader {
  readonly #framer = new SseFramer(REPLY_MAX_BYTES);

  push(chunk: Buffer): Buffer | null {
    const sounds: Buffer[] = [];
    const isTaken = this.#framer.push(chunk, (bytes, start, end) => {
      const event = parseEvent(bytes, start, end);
      const sound = event === null ? null : this.#soundOfEvent(event.data);
      if (sound !== null) sounds.push(sound);
    });
    if (!isTaken) throw failed('malformed_reply', 'Gemini sent an event that is too long.');
    return sounds.length === 0 ? null : Buffer.concat(sounds);
  }

  #soundOfEvent(data: string): Buffer | null {
    const body = asRecord(parseJsonOrUndefined(data));
    if (body === null) throw failed('malformed_reply', 'Gemini sent an event that is not JSON.');
    assertNoError(body);
    return this.soundOf(madeParts(body), false);
  }

  end(): null {
    const { last } = this;
    // An error in the middle comes without the frame of an event, as plain JSON.
    const rest = asRecord(parseJsonOrUndefined(this.#framer.tail.toString('utf8')));
    if (rest !== null) assertNoError(rest);
    if (last === null || last.finish === null) {
      throw failed('broken_stream', 'Gemini ended the stream before the speech was complete.', {
        usage: last?.usage ?? null,
      });
    }
    if (!this.hasSound) throw onlyWords(last, 'sound');
    return null;
  }
}

/** Characters as they are counted: code points. */
function charactersOf(text: string): number {
  return Array.from(text).length;
}

function configOf(voice: string, model: string): JsonRecord {
  return {
    responseModalities: ['AUDIO'],
    speechConfig: { voiceConfig: { prebuiltVoiceConfig: { voiceName: voice } } },
    // From 3.8 on the form can be chosen; before, it is this one.
    ...(isAtLeast(model, 3, 8) ? { responseFormat: { audio: { mimeType: 'AUDIO_L16' } } } : {}),
  };
}

/** Sound from words. How to say it goes before the text, as the documentation has it. */
export const geminiSpeech: SpeechProvider = {
  speak(options: SpeechOptions, target) {
    assertKind(target.model, 'speech');
    const { text, instructions, format, extra } = options;
    const asked = {
      input: text,
      voice: voiceNamed(options.voice),
      instructions,
      speed: options.speed,
    };
    const { values, warnings } = checkMediaOptions(speechModel(target.model), asked, ESSENTIAL);
    const form: Form = format === 'pcm' ? 'pcm' : 'wav';
    const ownWarnings = new WarningList();
    if (format !== form) {
      ownWarnings.mapped('response_format', `${target.model} makes wav and pcm: wav was made.`);
    }
    const said = instructions === null ? text : `${instructions}:\n${text}`;
    const prompt = {
      parts: [{ text: said }],
      config: configOf(String(values['voice']), target.model),
    };
    const body = generateBody(prompt, extra, ownWarnings);
    const streams = isAtLeast(target.model, 3, 1);
    const characters = charactersOf(text);
    return {
      request: methodRequest(target, {
        method: streams ? 'streamGenerateContent' : 'generateContent',
        query: streams ? '?alt=sse' : '',
        body,
      }),
      warnings: [...warnings, ...ownWarnings.all],
      mediaType: SPEECH_MEDIA_TYPES[form],
      facts: { usage: { characters }, modelServed: null, dimensions: {} },
      open: () =>
        streams ? new StreamedSound(form, characters) : new WholeSound(form, characters),
    };
  },
};

/** The prebuilt voices: each speaks every language that the model does. */
export const geminiVoices: VoiceListProvider = {
  known: GEMINI_VOICES.map((name) => ({
    id: name,
    name,
    language: null,
    gender: null,
    description: null,
    previewUrl: null,
  })),
};
