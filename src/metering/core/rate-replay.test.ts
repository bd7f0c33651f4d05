import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  benchOf,
  boundOf,
  chargeOf,
  planOf,
  reserveOf,
  START_MS,
} from './fixtures/engine-fixture.ts';
import { drawOf, operationOf, quoteOf } from './fixtures/quote-fixture.ts';
import type { Applied, JournalEntry } from './types.ts';

const PLAN = planOf([
  { meter: 'requests', window: 'minute', amount: 30 },
  { meter: 'output_tokens', window: 'minute', amount: 4_000 },
  { meter: 'output_tokens', window: 'minute', amount: 1_500, scope: 'key', id: 'key-tokens' },
  { meter: 'cost_usd', window: 'period', amount: '5.00' },
]);

const step = fc.record({
  kind: fc.constantFrom('reserve', 'reserve', 'extend', 'settle', 'void', 'wait'),
  pick: fc.nat(20),
  tokens: fc.integer({ min: 1, max: 900 }),
  waitMs: fc.integer({ min: 0, max: 4_000 }),
});

function outputBound(tokens: number, model = 'gemini/flash') {
  return boundOf(
    { requests: 1n, output_tokens: BigInt(tokens), cost_usd: BigInt(tokens) },
    { model },
  );
}

it('takes of every rate what the calls took, read off the journal alone', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { engine } = benchOf(PLAN);
      const journal: JournalEntry[] = [];
      const keep = (applied: Applied<unknown>): void => {
        for (const entry of applied.journal) {
          const body = JSON.parse(JSON.stringify(entry.body)) as JournalEntry['body'];
          journal.push({ ...entry, body });
        }
      };
      let nowMs = START_MS;
      steps.forEach(({ kind, pick, tokens, waitMs }, index) => {
        nowMs += waitMs;
        const open = engine.openHolds();
        const hold = open[pick % Math.max(1, open.length)];
        if (kind === 'reserve') {
          const keyId = `key_${pick % 2}`;
          keep(
            engine.reserve(
              reserveOf(`hold_${index}`, { keyId, bound: outputBound(tokens) }),
              nowMs,
            ),
          );
        } else if (hold !== undefined && kind === 'extend') {
          const next = outputBound(tokens, 'gemini/pro');
          keep(engine.extend({ holdId: hold.holdId, keep: [], next }, nowMs));
        } else if (hold !== undefined && kind === 'settle') {
          const amounts = { requests: 1n, output_tokens: BigInt(tokens), cost_usd: BigInt(tokens) };
          keep(engine.settle({ holdId: hold.holdId, charges: [chargeOf(amounts)] }, nowMs));
        } else if (hold !== undefined && kind === 'void') {
          keep(engine.void({ holdId: hold.holdId, reason: 'refused' }, nowMs));
        }
      });
      const fresh = benchOf(PLAN).engine;
      const replay = fresh.rateReplay();
      for (const entry of journal) replay.add(entry, entry.kind === 'hold' ? PLAN : null);
      for (const keyId of ['key_0', 'key_1']) {
        const rates = (of: typeof engine) =>
          of.limitStatuses('cus_1', keyId, nowMs).filter(({ window }) => window === 'minute');
        expect(rates(fresh)).toEqual(rates(engine));
      }
    }),
    { numRuns: 60 },
  );
});

it('takes no rate for what a quote holds, only for the calls that draw on it, whatever limits bind them', () => {
  const plan = planOf([
    { meter: 'requests', window: 'minute', amount: 30 },
    { id: 'other', meter: 'requests', window: 'minute', amount: 30, model: 'openai/*' },
    { id: 'team', meter: 'requests', window: 'minute', amount: 30, scope: 'tag:team' },
    { id: 'seconds', meter: 'video_seconds', window: 'minute', amount: 30 },
    { id: 'free', meter: 'images', window: 'minute', amount: 'unlimited' },
    { id: 'many', meter: 'requests', window: 'period', amount: 100 },
  ]);
  const { engine } = benchOf(plan);
  const journal: JournalEntry[] = [];
  const keep = (applied: Applied<unknown>): void => void journal.push(...applied.journal);
  keep(engine.quote(quoteOf([operationOf('a', { count: 3 })], { mode: 'all' }), START_MS));
  keep(engine.draw(drawOf('a', 1), START_MS));
  keep(engine.reserve(reserveOf('waits', { expiresAtMs: START_MS + 50 }), START_MS));
  keep(engine.reserve(reserveOf('goes', { expiresAtMs: START_MS + 50 }), START_MS));
  keep(engine.reserve(reserveOf('tagged', { tags: { team: 'blue' } }), START_MS + 20));
  keep(engine.dispatch('goes', START_MS + 40));
  keep(engine.expire('waits', START_MS + 60));
  keep(engine.recoverOpenHolds(START_MS + 70));
  const observed = [chargeOf({ requests: 1n })];
  keep(
    engine.reconcileUnknown({ holdId: 'goes', policy: 'charge_observed', observed }, START_MS + 80),
  );
  const fresh = benchOf(plan).engine;
  const replay = fresh.rateReplay();
  // Ends of calls that began before what is replayed say nothing, and neither do plan changes.
  const [first] = journal.filter((entry) => entry.kind === 'expire');
  if (first === undefined) throw new Error('nothing expired');
  replay.add({ ...first, holdId: 'earlier' }, null);
  replay.add({ ...first, kind: 'adjust', holdId: null }, null);
  for (const entry of journal) replay.add(entry, entry.kind === 'hold' ? plan : null);
  const used = (of: typeof engine) =>
    of.limitStatuses('cus_1', 'key_1', START_MS + 80).map(({ id, used: count, resets_at }) => ({
      id,
      count: id === 'many' ? '' : count,
      resets_at,
    }));
  expect(used(fresh).filter(({ id }) => id !== 'team')).toEqual(
    used(engine).filter(({ id }) => id !== 'team'),
  );
  // Three calls, of which none gave its request back but the one that expired.
  expect(fresh.limitStatuses('cus_1', 'key_1', START_MS + 80)[0]?.used).toBe('3');
});
