/**
 * Speech, voices made from recordings, and transcripts.
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { ResultFacts, SentMedia } from '../../contracts/media.ts';
import type { UsageVector } from '../../contracts/usage.ts';
import type { SpeechProvider } from '../../contracts/speech-provider.ts';
import type { ProviderWarning } from '../../contracts/text.ts';
import type { TranscriptionProvider } from '../../contracts/transcription-provider.ts';
import type { VoiceCloneProvider, VoiceListProvider } from '../../contracts/voice-provider.ts';
import { refusal } from '../json-models.ts';
import { modelAt, submitted } from '../json-operations.ts';
import { charactersOf } from '../replies.ts';
import { waveSpeedServer } from './operations.ts';

/** MiniMax's own voice for OpenAI's names, which it does not know. */
const VOICES: Readonly<Record<string, string>> = {
  alloy: 'Wise_Woman',
  ash: 'Deep_Voice_Man',
  ballad: 'Elegant_Man',
  coral: 'Lively_Girl',
  echo: 'Casual_Guy',
  fable: 'Patient_Man',
  nova: 'Inspirational_girl',
  onyx: 'Deep_Voice_Man',
  sage: 'Calm_Woman',
  shimmer: 'Sweet_Girl_2',
  verse: 'Young_Knight',
};

/** MiniMax's system voices (https://wavespeed.ai/models/minimax/speech-02-hd, `voice_id`); all of them speak every language. */
const KNOWN_VOICES = [
  'Wise_Woman',
  'Friendly_Person',
  'Inspirational_girl',
  'Deep_Voice_Man',
  'Calm_Woman',
  'Casual_Guy',
  'Lively_Girl',
  'Patient_Man',
  'Young_Knight',
  'Determined_Man',
  'Lovely_Girl',
  'Decent_Boy',
  'Imposing_Manner',
  'Elegant_Man',
  'Abbess',
  'Sweet_Girl_2',
  'Exuberant_Girl',
] as const;

export const voices: VoiceListProvider = {
  known: KNOWN_VOICES.map((id) => ({
    id,
    name: id.replaceAll('_', ' '),
    language: null,
    gender: null,
    description: null,
    previewUrl: null,
  })),
};

function voiceOf(voice: string): {
  readonly id: string;
  readonly warnings: readonly ProviderWarning[];
} {
  const id = Object.hasOwn(VOICES, voice) ? VOICES[voice] : undefined;
  if (id === undefined) return { id: voice, warnings: [] };
  const detail = `MiniMax has no voice ${voice}: ${id} was asked for.`;
  return { id, warnings: [{ option: 'voice', action: 'mapped', detail }] };
}

function factsOf(usage: UsageVector, dimensions: ResultFacts['dimensions'] = {}): ResultFacts {
  return { usage, modelServed: null, dimensions };
}

export const speech: SpeechProvider = {
  speak(options, target) {
    const model = modelAt(waveSpeedServer, target, 'audio.speech');
    const voice = voiceOf(options.voice);
    const asked = {
      options: {
        text: options.text,
        voice: voice.id,
        speed: options.speed,
        format: options.format,
        instructions: options.instructions,
      },
      media: {},
      extra: options.extra,
    };
    const facts = () => factsOf({ characters: charactersOf(options.text) });
    const work = { asked, warnings: voice.warnings, facts };
    return submitted(waveSpeedServer, target, { model, work });
  },
};

/** At least eight letters and digits, the first a letter. */
const VOICE_ID = /^[A-Za-z][A-Za-z0-9]{7,}$/;

const DIGEST_DIGITS = 12;

/**
 * The id under which MiniMax keeps the voice: the name, and a digest of what it is made of, since all customers of an account share
 * its names.
 *
 * @throws GatewayError naming `name` where it is no id that MiniMax takes
 */
function voiceIdOf(name: string, sample: SentMedia): string {
  const plain = name.replaceAll(/[^A-Za-z0-9]/g, '');
  const id = VOICE_ID.test(plain) ? plain : `Voice${plain}`;
  if (!VOICE_ID.test(id)) {
    throw refusal('name', 'MiniMax wants a name with at least three letters or digits.');
  }
  const content = sample.type === 'bytes' ? sample.bytes : sample.url;
  return `${id}${hash('sha256', content, 'hex').slice(0, DIGEST_DIGITS)}`;
}

export const voiceClone: VoiceCloneProvider = {
  cloneVoice(options, target) {
    const model = modelAt(waveSpeedServer, target, 'audio.clone_voice');
    if (options.samples.length > 1) {
      throw refusal('samples', `${model.id} takes one recording.`);
    }
    const voiceId = voiceIdOf(options.name, options.samples[0]);
    const asked = {
      options: { name: voiceId, text: options.text, description: options.description },
      media: { audio: options.samples },
      extra: options.extra,
    };
    const work = { asked, facts: () => factsOf({ voice_clones: 1 }) };
    return { ...submitted(waveSpeedServer, target, { model, work }), voiceId };
  },
};

export const transcription: TranscriptionProvider = {
  transcribe(options, target) {
    const isTranslation = options.task === 'translate';
    const operation = isTranslation ? 'audio.translate' : 'audio.transcribe';
    const model = modelAt(waveSpeedServer, target, operation);
    if (options.timestamps.includes('word')) {
      throw refusal('timestamp_granularities', `${model.id} knows the times of segments alone.`);
    }
    const withTimes = options.timestamps.length > 0;
    const asked = {
      options: {
        language: options.language,
        prompt: options.prompt,
        temperature: options.temperature,
        timestamps: withTimes ? true : null,
        speakers: options.speakers ? true : null,
      },
      media: { audio: [{ type: 'bytes' as const, ...options.audio }] },
      extra: { task: options.task, ...options.extra },
    };
    const dimensions = { timestamps: withTimes ? 'on' : 'off' };
    const facts = () => factsOf({ audio_ms: options.durationMs }, dimensions);
    return submitted(waveSpeedServer, target, { model, work: { asked, facts } });
  },
};
