import { describe, expect, it } from 'vitest';
import { failureLinesOf, parseWrkOutput } from '../../bench/wrk-output.ts';

const summaryWith = (extra: string): string => `Running 2m test @ http://127.0.0.1:4000
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     3.12ms    1.04ms  20.11ms   88.01%
    Req/Sec    20.31k     1.20k   22.00k    70.00%
  20000 requests in 1.31s, 22.60MB read
${extra}Requests/sec:  15267.17
Transfer/sec:     17.25MB
`;

describe('parseWrkOutput', () => {
  it('reads a run without errors', () => {
    expect(parseWrkOutput(summaryWith(''))).toEqual({
      requests: 20_000,
      badStatuses: 0,
      socketErrors: 0,
    });
  });

  it('adds up socket errors and counts refusals', () => {
    const text = summaryWith(
      '  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 17\n',
    );
    expect(parseWrkOutput(text)).toEqual({ requests: 20_000, badStatuses: 17, socketErrors: 10 });
  });

  it('says so when wrk printed something else', () => {
    expect(() => parseWrkOutput('unable to connect')).toThrow('unable to connect');
  });
});

it('failureLinesOf keeps what explains a failed run', () => {
  expect(failureLinesOf(summaryWith('  Non-2xx or 3xx responses: 17\n'))).toBe(
    '20000 requests in 1.31s, 22.60MB read; Non-2xx or 3xx responses: 17',
  );
});
