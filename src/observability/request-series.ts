/**
 * Counters and histograms of requests in plain arrays, written as Prometheus text when they are asked for: a
 * metrics library's look-ups by label cost more per request than all that is measured.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/
 *
 * @module
 */

const LATENCY_BUCKETS_S = [
  0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
] as const;
const OVERHEAD_BUCKETS_S = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5] as const;
/** Combinations kept apart; models are named by callers, so the rest is counted under `other`. */
const SERIES_MAX = 2_000;

export interface RequestMeasurement {
  readonly operation: string;
  readonly provider: string;
  readonly model: string;
  readonly status: number;
  readonly durationMs: number;
  readonly overheadMs: number;
  readonly costUsd: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

class Distribution {
  readonly #bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = bounds.map(() => 0);
  }

  observe(value: number): void {
    this.#sum += value;
    this.#count += 1;
    let index = 0;
    while (index < this.#bounds.length && value > (this.#bounds[index] ?? 0)) index += 1;
    if (index < this.#counts.length) this.#counts[index] = (this.#counts[index] ?? 0) + 1;
  }

  lines(name: string, labels: string): string[] {
    let cumulative = 0;
    const lines = this.#bounds.map((bound, index) => {
      cumulative += this.#counts[index] ?? 0;
      return `${name}_bucket{${labels},le="${bound}"} ${cumulative}`;
    });
    lines.push(`${name}_bucket{${labels},le="+Inf"} ${this.#count}`);
    lines.push(`${name}_sum{${labels}} ${this.#sum}`, `${name}_count{${labels}} ${this.#count}`);
    return lines;
  }
}

interface Series {
  readonly labels: string;
  readonly requestsByStatus: Map<number, number>;
  readonly duration: Distribution;
  readonly overhead: Distribution;
  costUsd: number;
  inputTokens: number;
  outputTokens: number;
}

function escapeLabel(value: string): string {
  return value.replace(/[\\"\n]/g, (character) => (character === '\n' ? '\\n' : `\\${character}`));
}

function section(
  name: string,
  kind: 'counter' | 'histogram',
  text: { readonly help: string; readonly lines: readonly string[] },
): string[] {
  return [`# HELP ${name} ${text.help}`, `# TYPE ${name} ${kind}`, ...text.lines];
}

export class RequestSeries {
  readonly #series = new Map<string, Series>();
  /** What was counted last: mostly it is the same again, and found without putting its name together. */
  #last: { readonly of: RequestMeasurement; readonly series: Series } | null = null;

  add(measured: RequestMeasurement): void {
    const series = this.#lastFor(measured) ?? this.#seriesOf(measured);
    this.#last = { of: measured, series };
    const { status } = measured;
    series.requestsByStatus.set(status, (series.requestsByStatus.get(status) ?? 0) + 1);
    series.duration.observe(measured.durationMs / 1000);
    series.overhead.observe(measured.overheadMs / 1000);
    series.costUsd += measured.costUsd;
    series.inputTokens += measured.inputTokens;
    series.outputTokens += measured.outputTokens;
  }

  #lastFor(measured: RequestMeasurement): Series | null {
    if (this.#last === null) return null;
    const { of, series } = this.#last;
    const isSame =
      of.model === measured.model &&
      of.provider === measured.provider &&
      of.operation === measured.operation;
    return isSame ? series : null;
  }

  #seriesOf(measured: RequestMeasurement): Series {
    const { operation, provider } = measured;
    let key = `${operation} ${provider} ${measured.model}`;
    let series = this.#series.get(key);
    if (series !== undefined) return series;
    const isFull = this.#series.size >= SERIES_MAX;
    const model = isFull ? 'other' : measured.model;
    if (isFull) {
      key = `${operation} ${provider} other`;
      series = this.#series.get(key);
      if (series !== undefined) return series;
    }
    series = {
      labels: `operation="${escapeLabel(operation)}",provider="${escapeLabel(provider)}",model="${escapeLabel(model)}"`,
      requestsByStatus: new Map(),
      duration: new Distribution(LATENCY_BUCKETS_S),
      overhead: new Distribution(OVERHEAD_BUCKETS_S),
      costUsd: 0,
      inputTokens: 0,
      outputTokens: 0,
    };
    this.#series.set(key, series);
    return series;
  }

  /** All series as exposition text, with a line end after the last line. */
  text(): string {
    const all = [...this.#series.values()];
    const lines = [
      ...section('gateway_requests_total', 'counter', {
        help: 'Calls that reached a provider.',
        lines: all.flatMap((series) =>
          Array.from(
            series.requestsByStatus,
            ([status, count]) =>
              `gateway_requests_total{${series.labels},status="${status}"} ${count}`,
          ),
        ),
      }),
      ...section('gateway_request_seconds', 'histogram', {
        help: 'Whole duration of a call.',
        lines: all.flatMap((series) =>
          series.duration.lines('gateway_request_seconds', series.labels),
        ),
      }),
      ...section('gateway_overhead_seconds', 'histogram', {
        help: 'Time of a call that was not spent on a provider.',
        lines: all.flatMap((series) =>
          series.overhead.lines('gateway_overhead_seconds', series.labels),
        ),
      }),
      ...section('gateway_cost_usd_total', 'counter', {
        help: 'Cost booked, in US dollars; approximate here, exact in the ledger.',
        lines: all.map((series) => `gateway_cost_usd_total{${series.labels}} ${series.costUsd}`),
      }),
      ...section('gateway_tokens_total', 'counter', {
        help: 'Tokens booked.',
        lines: all.flatMap((series) => [
          `gateway_tokens_total{${series.labels},direction="input"} ${series.inputTokens}`,
          `gateway_tokens_total{${series.labels},direction="output"} ${series.outputTokens}`,
        ]),
      }),
    ];
    return `${lines.join('\n')}\n`;
  }
}
