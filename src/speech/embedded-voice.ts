/**
 * The embedded engine in the forms that clients ask for. A client's voice names one of the engine's own.
 *
 * @module
 */
import { createMp3Encoder } from 'wasm-media-encoders';
import { bytesOfPcm, pcmOfWav, resampled, wavOfPcm, type Pcm } from './pcm.ts';
import { ENGINE_VOICES, SpeechEngine, type EngineVoice } from './speech-engine.ts';

/** `pcm` of the speech routes has 24,000 samples a second; so have the other forms. */
const RATE = 24_000;
const MP3_KBITS = 64;

/** OpenAI's voices that are men's; all others are spoken by a woman. */
const MEN: ReadonlySet<string> = new Set(['ash', 'echo', 'onyx', 'verse', 'cedar']);
const SCOTTISH: ReadonlySet<string> = new Set(['fable', 'ballad']);

/** What a client asks for. */
export interface SpokenWish {
  readonly text: string;
  readonly voice: string;
  readonly speed: number;
  readonly format: string;
}

/** A whole file and its media type. */
export interface SpokenFile {
  readonly bytes: Buffer;
  readonly type: string;
}

function isEngineVoice(name: string): name is EngineVoice {
  return ENGINE_VOICES.some((voice) => voice === name);
}

function engineVoiceOf(voice: string): EngineVoice {
  const name = voice.toLowerCase();
  if (isEngineVoice(name)) return name;
  if (SCOTTISH.has(name)) return 'awb';
  return MEN.has(name) ? 'rms' : 'slt';
}

/** LAME, from numbers between −1 and 1. */
async function mp3Of({ samples, rate }: Pcm): Promise<Buffer> {
  const encoder = await createMp3Encoder();
  encoder.configure({ sampleRate: rate, channels: 1, bitrate: MP3_KBITS });
  const channel = Float32Array.from(samples, (sample) => sample / 32_768);
  // What the encoder returns is overwritten by its next call.
  const body = Buffer.from(encoder.encode([channel]));
  return Buffer.concat([body, encoder.finalize()]);
}

/** Speaks for callers of speech routes. */
export class EmbeddedVoice {
  readonly #engine = new SpeechEngine();

  /**
   * @returns null for a form that the engine does not make (`opus`, `aac`, `flac`)
   * @throws Error when the engine fails
   */
  async speak(wish: SpokenWish): Promise<SpokenFile | null> {
    const { format } = wish;
    if (format !== 'mp3' && format !== 'wav' && format !== 'pcm') return null;
    const speed = Math.min(4, Math.max(0.25, wish.speed));
    const voice = engineVoiceOf(wish.voice);
    const pcm = resampled(
      pcmOfWav(await this.#engine.speak({ text: wish.text, voice, speed })),
      RATE,
    );
    switch (format) {
      case 'mp3':
        return { bytes: await mp3Of(pcm), type: 'audio/mpeg' };
      case 'wav':
        return { bytes: wavOfPcm(pcm), type: 'audio/wav' };
      case 'pcm':
        return { bytes: bytesOfPcm(pcm), type: 'audio/pcm' };
    }
  }

  /** Ends the engine's thread. */
  close(): Promise<void> {
    return this.#engine.close();
  }
}
