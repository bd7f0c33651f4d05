/**
 * Answers `Expect: 100-continue` (RFC 9110 §10.1.1) where the body is about to be read.
 *
 * @module
 */
import type { ServerResponse } from 'node:http';

/**
 * Tells a client that waits for it to send its body. Not behind a reply that is still due: there Node lets the line wait
 * until it stands between the head and the body of this one. Nobody waits for it without end.
 */
export function tellToGoOn(response: ServerResponse): void {
  if (response.req.headers.expect !== undefined && response.socket !== null) {
    response.writeContinue();
  }
}
