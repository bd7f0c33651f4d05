/**
 * "Did you mean": the known name that a mistyped one is closest to.
 *
 * @module
 */

/** Typing steps (insert, drop, replace, swap neighbours) from one word to another: optimal string alignment. */
function distance(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1];
      let steps = Math.min(
        (last[column] ?? 0) + 1,
        (current[column - 1] ?? 0) + 1,
        (last[column - 1] ?? 0) + (same ? 0 : 1),
      );
      const swapped =
        row > 1 &&
        column > 1 &&
        left[row - 1] === right[column - 2] &&
        left[row - 2] === right[column - 1];
      if (swapped) steps = Math.min(steps, (beforeLast[column - 2] ?? 0) + 1);
      current.push(steps);
    }
    beforeLast = last;
    last = current;
  }
  return last[right.length] ?? 0;
}

function normalise(name: string): string {
  return name.toLowerCase().replaceAll(/[-_.\s]/g, '');
}

/** The candidate within a third of the name's length (case, `-` and `_` ignored), or null. */
export function nearestName(name: string, candidates: Iterable<string>): string | null {
  // Longer names are no typing mistakes, and the table grows with the product of the lengths.
  if (name.length > 100) return null;
  const wanted = normalise(name);
  let best: string | null = null;
  let bestSteps = Math.max(1, Math.floor(wanted.length / 3)) + 1;
  for (const candidate of candidates) {
    const steps = distance(wanted, normalise(candidate));
    if (steps < bestSteps) {
      best = candidate;
      bestSteps = steps;
    }
  }
  return best;
}
