/**
 * Small statistics: medians over rounds and quantiles of latencies from a log-linear histogram.
 *
 * @module
 */

/** Middle value, or the mean of the two middle ones. NaN for an empty list. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

/** Half the distance between the extremes, relative to the median: how much rounds differed. */
export function relativeSpread(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  return (Math.max(...values) - Math.min(...values)) / 2 / median(values);
}

/** Sub-buckets per power of two: values are kept within 1/128, better than 1 %. */
const SUB_BUCKETS = 128;
const SUB_BUCKET_BITS = 7;
const BUCKET_COUNT = SUB_BUCKETS * 40;

/**
 * Counts of whole values in buckets whose width grows with the value, as HdrHistogram keeps them
 * (http://hdrhistogram.org): constant memory and relative precision, no sorting.
 */
export class Histogram {
  readonly counts = new Float64Array(BUCKET_COUNT);
  total = 0;
  max = 0;

  /** `value` is a non-negative number below 2^40, rounded down to a whole one. */
  record(value: number): void {
    const index = bucketOf(value);
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.total += 1;
    if (value > this.max) this.max = value;
  }

  /** Value at quantile `share` (0 to 1), within 1 % above; 0 when empty. */
  quantile(share: number): number {
    const rank = Math.max(1, Math.ceil(share * this.total));
    let seen = 0;
    for (let index = 0; index < BUCKET_COUNT; index += 1) {
      seen += this.counts[index] ?? 0;
      if (seen >= rank) return Math.min(highestOf(index), this.max);
    }
    return this.max;
  }
}

function bucketOf(value: number): number {
  const whole = Math.max(0, Math.floor(value));
  if (whole < SUB_BUCKETS) return whole;
  const exponent = Math.floor(Math.log2(whole));
  const offset = Math.floor(whole / 2 ** (exponent - SUB_BUCKET_BITS)) - SUB_BUCKETS;
  return Math.min(BUCKET_COUNT - 1, (exponent - SUB_BUCKET_BITS + 1) * SUB_BUCKETS + offset);
}

function highestOf(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const exponent = Math.floor(index / SUB_BUCKETS) - 1 + SUB_BUCKET_BITS;
  const width = 2 ** (exponent - SUB_BUCKET_BITS);
  return (SUB_BUCKETS + (index % SUB_BUCKETS) + 1) * width - 1;
}
