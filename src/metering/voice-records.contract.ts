/**
 * What every store of voices must do.
 *
 * @module
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { NewVoice, VoiceRecords } from './voice-port.ts';

export interface VoiceRecordsSuite {
  readonly name: string;
  /** Makes an empty store. */
  create(): Promise<{ readonly records: VoiceRecords; readonly dispose: () => Promise<void> }>;
}

function voiceOf(n: number, more: Partial<NewVoice> = {}): NewVoice {
  return {
    id: `voice_${n}`,
    customerId: 'cus_1',
    name: `Voice ${n}`,
    description: null,
    consent: {
      by: 'Ada',
      statement: 'I agree.',
      atMs: 1_000 + n,
      keyId: 'key_1',
      samples: ['aa', 'bb'],
    },
    requestId: `req_${n}`,
    ...more,
  };
}

const made = (voiceId: string) => ({ provider: 'sim', model: 'voice-clone', voiceId });

export function describeVoiceRecords(suite: VoiceRecordsSuite): void {
  describe(`${suite.name} keeps voices`, () => {
    let records: VoiceRecords;
    let dispose: () => Promise<void>;
    beforeEach(async () => {
      ({ records, dispose } = await suite.create());
    });
    afterEach(() => dispose());

    it('with their consent, before and after they are made', async () => {
      await records.add(voiceOf(1));
      expect(await records.voice('voice_1')).toEqual({
        ...voiceOf(1),
        made: null,
        removedAtMs: null,
      });
      await records.made('voice_1', made('v1'));
      expect(await records.voice('voice_1')).toEqual({
        ...voiceOf(1),
        made: made('v1'),
        removedAtMs: null,
      });
      expect(await records.voice('voice_2')).toBeNull();
    });

    it('and lists those of a customer that were made, newest first, in pages', async () => {
      for (const n of [1, 2, 3, 4]) await records.add(voiceOf(n));
      await records.add(voiceOf(5, { customerId: 'cus_2' }));
      for (const n of [1, 2, 3, 5]) await records.made(`voice_${n}`, made(`v${n}`));
      await records.remove('voice_2', 2_000);
      const first = await records.list({ customerId: 'cus_1', limit: 1, cursor: null });
      const rest = await records.list({
        customerId: 'cus_1',
        limit: 9,
        cursor: first.nextCursor,
      });
      expect([...first.data, ...rest.data].map(({ id }) => id)).toEqual(['voice_3', 'voice_1']);
      expect(rest.nextCursor).toBeNull();
    });

    it('and tells whose a provider’s id is, removed or not', async () => {
      await records.add(voiceOf(1));
      await records.made('voice_1', made('v1'));
      await records.add(voiceOf(2, { customerId: 'cus_2' }));
      await records.made('voice_2', made('v2'));
      expect(await records.remove('voice_2', 2_000)).toBe(true);
      const known = await records.knownAs(['v1', 'v2', 'alloy']);
      expect(new Map(known.map(({ id, customerId }) => [id, customerId]))).toEqual(
        new Map([
          ['voice_1', 'cus_1'],
          ['voice_2', 'cus_2'],
        ]),
      );
      expect(await records.knownAs([])).toEqual([]);
    });

    it('and removes one once; its consent stays', async () => {
      await records.add(voiceOf(1));
      await records.made('voice_1', made('v1'));
      expect(await records.remove('voice_1', 5_000)).toBe(true);
      expect(await records.remove('voice_1', 6_000)).toBe(false);
      expect(await records.remove('voice_9', 6_000)).toBe(false);
      expect(await records.voice('voice_1')).toMatchObject({
        removedAtMs: 5_000,
        consent: { by: 'Ada' },
      });
    });
  });
}
