import { describe, expect, it } from 'vitest';
import { RequestSeries, type RequestMeasurement } from './request-series.ts';

const measured: RequestMeasurement = {
  operation: 'text.generate',
  provider: 'openai',
  model: 'x',
  status: 200,
  durationMs: 40,
  overheadMs: 1.5,
  costUsd: 0.5,
  inputTokens: 3,
  outputTokens: 2,
};

function valueOf(text: string, series: string): string | undefined {
  return text
    .split('\n')
    .find((line) => line.startsWith(`${series} `))
    ?.slice(series.length + 1);
}

describe('RequestSeries', () => {
  it('counts by labels and keeps histograms cumulative', () => {
    const series = new RequestSeries();
    series.add(measured);
    series.add({ ...measured, durationMs: 700 });
    series.add({ ...measured, status: 502, durationMs: 999_999 });
    const text = series.text();
    const labels = 'operation="text.generate",provider="openai",model="x"';
    expect(valueOf(text, `gateway_requests_total{${labels},status="200"}`)).toBe('2');
    expect(valueOf(text, `gateway_requests_total{${labels},status="502"}`)).toBe('1');
    expect(valueOf(text, `gateway_request_seconds_bucket{${labels},le="0.05"}`)).toBe('1');
    expect(valueOf(text, `gateway_request_seconds_bucket{${labels},le="1"}`)).toBe('2');
    expect(valueOf(text, `gateway_request_seconds_bucket{${labels},le="+Inf"}`)).toBe('3');
    expect(valueOf(text, `gateway_tokens_total{${labels},direction="input"}`)).toBe('9');
    expect(valueOf(text, `gateway_cost_usd_total{${labels}}`)).toBe('1.5');
  });

  it('F99 keeps a bounded number of series and loses no count', () => {
    const series = new RequestSeries();
    for (let index = 0; index < 2_500; index += 1) series.add({ ...measured, model: `m${index}` });
    const counts = series
      .text()
      .split('\n')
      .filter((line) => line.startsWith('gateway_requests_total{'));
    expect(counts.length).toBe(2_001);
    expect(counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(2_500);
  });

  it('escapes labels', () => {
    const series = new RequestSeries();
    series.add({ ...measured, model: 'a"b\\c\nd' });
    expect(series.text()).toContain('model="a\\"b\\\\c\\nd"');
  });
});
