import { expect, test } from 'vitest';
import { ProviderFailureError } from '../../../contracts/provider-failure.ts';
import { SpokenEventReader } from './speech-events.ts';

const frame = (event: object): string => `data: ${JSON.stringify(event)}\n\n`;
const delta = (sound: string): string =>
  frame({ type: 'speech.audio.delta', audio: Buffer.from(sound).toString('base64') });
const DONE = frame({
  type: 'speech.audio.done',
  usage: { input_tokens: 5, output_tokens: 60, total_tokens: 65 },
});

function kindOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (error instanceof ProviderFailureError) return error.failure.kind;
    throw error;
  }
  return 'none';
}

test.each([1, 7, 1000])('sound and usage, however the bytes are cut: %i', (size) => {
  const bytes = Buffer.from(
    `${delta('one ')}${frame({ type: 'later.kind' })}${delta('two')}${DONE}`,
  );
  const reader = new SpokenEventReader(3);
  const sounds: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    const sound = reader.push(bytes.subarray(at, at + size));
    if (sound !== null) sounds.push(sound);
  }
  expect(reader.end()).toBeNull();
  expect(Buffer.concat(sounds).toString()).toBe('one two');
  expect(reader.facts?.usage).toEqual({
    characters: 3,
    input_text_tokens: 5,
    output_audio_tokens: 60,
  });
});

test('without the last event it is broken', () => {
  const reader = new SpokenEventReader(3);
  reader.push(Buffer.from(delta('one')));
  expect(kindOf(() => reader.end())).toBe('broken_stream');
});

test.each([
  ['data: no json\n\n', 'malformed_reply'],
  [frame({ type: 'speech.audio.delta' }), 'malformed_reply'],
  [frame({ error: { message: 'x', type: 'server_error', code: null } }), 'server_error'],
])('%s is %s', (text, kind) => {
  expect(kindOf(() => new SpokenEventReader(3).push(Buffer.from(text)))).toBe(kind);
});
