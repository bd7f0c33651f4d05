import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { eventLine, headEnd } from './ledger-line.ts';

describe('eventLine', () => {
  it('is the JSON of the event, whatever its ids are made of', () => {
    const row = fc.record({
      seq: fc.nat(),
      eventId: fc.string(),
      kind: fc.constantFrom('hold', 'settle', 'checkpoint'),
      holdId: fc.option(fc.string()),
      customerId: fc.string(),
      atMs: fc.integer({ min: 0, max: 2 ** 48 }),
      body: fc.json().map((text) => JSON.stringify(JSON.parse(text))),
    });
    fc.assert(
      fc.property(row, (event) => {
        const { seq, eventId, kind, holdId, customerId, atMs, body } = event;
        const head = { seq, id: eventId, kind, hold: holdId, customer: customerId, at: atMs };
        const expected = `${JSON.stringify(head).slice(0, -1)},"body":${body}}\n`;
        expect(eventLine(event)).toBe(expected);
        expect(eventLine(event, headEnd(event))).toBe(expected);
      }),
    );
  });
});
