/**
 * Chance in the simulation: all of it follows from the seed.
 *
 * @module
 */
import { createRandom, type SeededRandom } from '../../src/simulators/core/random.ts';

export interface Chance extends SeededRandom {
  /** True once in `times`. */
  onceIn(times: number): boolean;
  fill(target: Uint8Array): void;
}

export function createChance(seed: number): Chance {
  const random = createRandom('simulation', seed);
  return {
    ...random,
    onceIn: (times) => random.next() * times < 1,
    fill(target) {
      for (let index = 0; index < target.length; index += 1) target[index] = random.integer(0, 255);
    },
  };
}
