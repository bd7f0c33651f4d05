/**
 * Sends a reply that is made while it is sent, no faster than the client reads.
 *
 * @module
 */
import type { StreamedReply } from '../dialects/admin/export/export-table.ts';
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { ownReplyHeaders } from './own-reply-headers.ts';

/** Resolves once the client has taken what was written, or has left. */
function drained(exchange: Exchange): Promise<void> {
  return new Promise((resolve) => {
    exchange.onDrain(resolve);
    exchange.onGone(resolve);
  });
}

async function sendAll(exchange: Exchange, reply: StreamedReply): Promise<void> {
  for (;;) {
    const next = await reply.next();
    if (next.done === true) break;
    const isTaken = exchange.write(Buffer.from(next.value));
    if (!isTaken) await drained(exchange);
    if (exchange.gone) {
      await reply.cancel();
      return;
    }
  }
  exchange.finish(null);
}

/** Sends the reply; where it fails half-way the connection is cut, so that nobody takes the part for the whole. */
export async function sendStreamed(
  gateway: Gateway,
  exchange: Exchange,
  reply: StreamedReply,
): Promise<void> {
  const headers = ownReplyHeaders(gateway, exchange);
  headers.push('content-type', reply.contentType, 'content-disposition', reply.disposition);
  exchange.startStream(headers);
  try {
    await sendAll(exchange, reply);
  } catch (error) {
    gateway.recorder.fault(error, { requestId: exchange.requestId });
    exchange.cut();
  }
}
