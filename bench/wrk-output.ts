/**
 * Reads the summary that wrk 4 prints (https://github.com/wg/wrk).
 *
 * @module
 */

export interface WrkSummary {
  readonly requests: number;
  /** Answers outside 2xx and 3xx. */
  readonly badStatuses: number;
  /** Connect, read and write errors and time-outs. */
  readonly socketErrors: number;
}

/** @throws Error when the text has no line with the number of requests */
export function parseWrkOutput(text: string): WrkSummary {
  const requests = /^\s*(\d+) requests in /m.exec(text);
  if (requests === null) throw new Error(`no summary in the output of wrk: ${text.slice(0, 500)}`);
  const bad = /Non-2xx or 3xx responses: (\d+)/.exec(text);
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(text);
  const socketErrors =
    errors === null ? 0 : errors.slice(1).reduce((sum, count) => sum + Number(count), 0);
  return {
    requests: Number(requests[1]),
    badStatuses: bad === null ? 0 : Number(bad[1]),
    socketErrors,
  };
}

/** The lines of the summary that count requests and failures, joined. */
export function failureLinesOf(text: string): string {
  return text
    .split('\n')
    .filter((line) => /requests in|Socket errors|Non-2xx/.test(line))
    .map((line) => line.trim())
    .join('; ');
}
