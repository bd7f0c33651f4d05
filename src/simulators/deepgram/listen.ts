/**
 * `POST /v1/listen` (https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded; recorded nova-3-general).
 *
 * @module
 */
import { hash } from 'node:crypto';
import type { FamilyRoute, SimulatedCall } from '../core/family.ts';
import { findFault, type Fault } from '../core/fault.ts';
import { NO_USAGE, type SimulatedReply } from '../core/reply.ts';
import { hear, type Heard, type HeardWord } from '../media/recording.ts';
import { ID_HEADER, inBandBody, refuse } from './errors.ts';

const CONFIDENCE = 0.99;

interface Asked {
  readonly diarize: boolean;
  readonly utterances: boolean;
  readonly paragraphs: boolean;
  readonly detects: boolean;
}

function isOn(call: SimulatedCall, name: string): boolean {
  return call.query.get(name) === 'true';
}

function wordsOf(words: readonly HeardWord[], asked: Asked): readonly object[] {
  const half = words.length / 2;
  return words.map(({ word, start, end }, at) => ({
    word: word.toLowerCase().replace(/[^a-z0-9]/g, ''),
    start,
    end,
    confidence: CONFIDENCE,
    punctuated_word: word,
    ...(asked.diarize ? { speaker: at < half ? 0 : 1, speaker_confidence: 1 } : {}),
  }));
}

/** One utterance; two where speakers are told apart. */
function utterancesOf(heard: Heard, asked: Asked): readonly object[] {
  const half = Math.ceil(heard.words.length / 2);
  const parts = asked.diarize
    ? [heard.words.slice(0, half), heard.words.slice(half)]
    : [heard.words];
  return parts.map((words, speaker) => ({
    start: words[0]?.start ?? 0,
    end: words.at(-1)?.end ?? 0,
    confidence: CONFIDENCE,
    channel: 0,
    transcript: words.map(({ word }) => word).join(' '),
    words: wordsOf(words, asked),
    ...(asked.diarize ? { speaker } : {}),
    id: `00000000-0000-4000-8000-00000000000${String(speaker)}`,
  }));
}

function paragraphsOf({ text, words, seconds }: Heard): object {
  const paragraph = {
    sentences: [{ text, start: 0, end: seconds }],
    num_words: words.length,
    start: 0,
    end: seconds,
  };
  return { transcript: `\n${text}`, paragraphs: [paragraph] };
}

function bodyOf(call: SimulatedCall, heard: Heard, asked: Asked): object {
  const model = call.query.get('model') ?? 'nova-3';
  const [, family = model, variant = 'general'] = /^(nova-\d)(?:-(.+))?$/.exec(model) ?? [];
  const alternative = {
    transcript: heard.text,
    confidence: CONFIDENCE,
    words: wordsOf(heard.words, asked),
    ...(asked.paragraphs ? { paragraphs: paragraphsOf(heard) } : {}),
  };
  const channel = {
    alternatives: [alternative],
    ...(asked.detects ? { detected_language: 'en', language_confidence: CONFIDENCE } : {}),
  };
  return {
    metadata: {
      transaction_key: 'deprecated',
      request_id: call.id,
      sha256: hash('sha256', call.body, 'hex'),
      created: '2026-01-01T00:00:00.000Z',
      duration: heard.seconds,
      channels: 1,
      models: ['simulated-model'],
      model_info: {
        'simulated-model': { name: `${variant}-${family}`, version: '2026-01-01.0', arch: family },
      },
    },
    results: {
      channels: [channel],
      ...(asked.utterances ? { utterances: utterancesOf(heard, asked) } : {}),
    },
  };
}

function answer(call: SimulatedCall, faults: readonly Fault[]): SimulatedReply {
  const [type = ''] = (call.headers['content-type'] ?? '').split(';');
  if (call.body.length === 0) return refuse(call, 'Bad Request: the body is empty');
  if (!/^(audio|video)\//.test(type)) {
    return refuse(call, 'Bad Request: failed to process audio: corrupt or unsupported data');
  }
  const inBand = findFault(faults, 'in-band-error');
  const heard = hear(call.body);
  const asked = {
    diarize: isOn(call, 'diarize'),
    utterances: isOn(call, 'utterances'),
    paragraphs: isOn(call, 'smart_format') || isOn(call, 'paragraphs'),
    detects: isOn(call, 'detect_language'),
  };
  const body =
    inBand === undefined
      ? JSON.stringify(bodyOf(call, heard, asked))
      : inBandBody(inBand.error, call.id);
  return {
    kind: 'body',
    status: 200,
    headers: { 'content-type': 'application/json', [ID_HEADER]: call.id },
    body,
    usage: inBand === undefined ? { ...NO_USAGE, media: { audioSeconds: heard.seconds } } : null,
  };
}

export function listenRoute(call: SimulatedCall): FamilyRoute {
  return {
    model: call.query.get('model'),
    stream: false,
    answer: (faults) => answer(call, faults),
  };
}
