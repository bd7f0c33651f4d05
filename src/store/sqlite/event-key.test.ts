import { DatabaseSync } from 'node:sqlite';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventIdOf, STORED_EVENT_ID_SQL, storedEventId } from './event-key.ts';

const what = fc.constantFrom('hold', 'settle', 'void', 'extend', 'late', 'reconcile');
const hold = fc.oneof(
  fc.constantFrom('hold', 'settle', 'a:b', 'hold:x', ''),
  fc.string({ unit: fc.constantFrom('a', '1', '_', ':'), maxLength: 6 }),
);
const ofHold = fc.tuple(what, hold, fc.option(fc.nat({ max: 12 }))).map(([kind, holdId, n]) => ({
  holdId,
  eventId: `${kind}:${holdId}${n === null ? '' : `:${n}`}`,
}));

describe('ids of events as they are stored', () => {
  it('begin with their hold', () => {
    expect(storedEventId('settle:hold_1', 'hold_1')).toBe('hold_1:settle');
    expect(storedEventId('extend:hold_1:2', 'hold_1')).toBe('hold_1:extend:2');
    expect(storedEventId('cover:hold_1', null)).toBe('cover:hold_1');
    expect(storedEventId('settle:hold_12', 'hold_1')).toBe('settle:hold_12');
  });

  it('give back the id, whatever the hold is called', () => {
    fc.assert(
      fc.property(ofHold, ({ eventId, holdId }) => {
        expect(eventIdOf(storedEventId(eventId, holdId), holdId)).toBe(eventId);
      }),
    );
  });

  it('are told apart as the ids are', () => {
    fc.assert(
      fc.property(ofHold, ofHold, (one, other) => {
        if (one.holdId.includes(':') || other.holdId.includes(':')) return;
        const isSame = one.eventId === other.eventId;
        const stored = [one, other].map(({ eventId, holdId }) => storedEventId(eventId, holdId));
        expect(stored[0] === stored[1]).toBe(isSame);
      }),
    );
  });

  it('are made by SQL in the same form', () => {
    const database = new DatabaseSync(':memory:');
    const form = database.prepare(
      `SELECT ${STORED_EVENT_ID_SQL} AS form FROM (SELECT ? AS event_id, ? AS hold_id)`,
    );
    fc.assert(
      fc.property(ofHold, fc.boolean(), ({ eventId, holdId }, isOfHold) => {
        const owner = isOfHold ? holdId : null;
        expect(form.get(eventId, owner)?.['form']).toBe(storedEventId(eventId, owner));
      }),
    );
    database.close();
  });
});
