/**
 * Voices in memory, for tests of the control plane.
 *
 * @module
 */
import type { VoiceRecord, VoiceRecords } from '../../../metering/voice-port.ts';

export function createFakeVoices(): VoiceRecords {
  const kept = new Map<string, VoiceRecord>();
  const all = (): readonly VoiceRecord[] => [...kept.values()];
  return {
    async add(voice) {
      kept.set(voice.id, { ...voice, made: null, removedAtMs: null });
    },
    async made(id, made) {
      const voice = kept.get(id);
      if (voice !== undefined) kept.set(id, { ...voice, made });
    },
    voice: async (id) => kept.get(id) ?? null,
    async list({ customerId, limit, cursor }) {
      const own = all()
        .filter((voice) => voice.customerId === customerId && voice.made !== null)
        .filter(({ removedAtMs }) => removedAtMs === null)
        .toReversed();
      const from = cursor === null ? 0 : own.findIndex(({ id }) => id === cursor) + 1;
      const data = own.slice(from, from + limit);
      const hasMore = from + limit < own.length;
      return { data, nextCursor: hasMore ? (data.at(-1)?.id ?? null) : null };
    },
    knownAs: async (ids) => all().filter(({ made }) => made !== null && ids.includes(made.voiceId)),
    async remove(id, atMs) {
      const voice = kept.get(id);
      if (voice === undefined || voice.made === null || voice.removedAtMs !== null) return false;
      kept.set(id, { ...voice, removedAtMs: atMs });
      return true;
    },
  };
}
