/**
 * The client has closed its half of the connection: it may still read (F42), or it may be gone (F39, F41), which only
 * writing can tell. So what no reader minds is written while its reply is due: an interim reply (RFC 9110 §15.2), or a
 * comment in an event stream. A client that is gone answers with a reset.
 *
 * @module
 */

/** Waits between probes: the first write draws the reset, a later one meets it. */
const PROBE_DELAYS_MS = [50, 200, 1_000] as const;
const PROBE_INTERVAL_MS = 5_000;

/** What tells a client before its reply that it is still being worked on. */
export const INTERIM_REPLY = 'HTTP/1.1 102 Processing\r\n\r\n';
/** The same in a stream of events. */
export const COMMENT_EVENT = ': keepalive\n\n';

/** @param probe writes something harmless; false once there is no reply due any more */
export function watchHalfClosed(probe: () => boolean): void {
  let probes = 0;
  const look = (): void => {
    if (!probe()) return;
    setTimeout(look, PROBE_DELAYS_MS[probes] ?? PROBE_INTERVAL_MS).unref();
    probes += 1;
  };
  look();
}
