import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChurningMap } from './churning-map.ts';

const step = fc.record({
  key: fc.integer({ min: 0, max: 12 }),
  change: fc.constantFrom('set', 'delete', 'take', 'look'),
});

describe('ChurningMap', () => {
  it('does what a Map does, in the same order', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = new ChurningMap<number, { readonly at: number }>();
        const model = new Map<number, { readonly at: number }>();
        steps.forEach(({ key, change }, at) => {
          if (change === 'set') {
            expect(map.set(key, { at })).toEqual(model.get(key));
            model.set(key, { at });
          } else if (change === 'delete') expect(map.delete(key)).toBe(model.delete(key));
          else if (change === 'take') {
            expect(map.take(key)).toEqual(model.get(key));
            model.delete(key);
          }
          expect(map.get(key)).toEqual(model.get(key));
          expect(map.has(key)).toBe(model.has(key));
          expect(map.size).toBe(model.size);
        });
        expect([...map]).toEqual([...model]);
        expect([...map.keys()]).toEqual([...model.keys()]);
        expect([...map.values()]).toEqual([...model.values()]);
      }),
    );
  });
});
