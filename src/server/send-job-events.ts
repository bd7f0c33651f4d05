/**
 * What becomes of a job, as server-sent events. Each event is the whole job, and its id the version of the job: who
 * comes back with `Last-Event-ID` gets the job if it has moved since, and everything from then on.
 *
 * @module
 */
import type { Exchange } from '../gateway/exchange.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { addressesOf } from '../gateway/jobs/answer-job.ts';
import { showJob } from '../gateway/jobs/show-job.ts';
import { isEnded, type JobRecord } from '../metering/job-port.ts';
import { ownReplyHeaders } from './own-reply-headers.ts';

const KEEPALIVE_MS = 15_000;

async function eventOf(gateway: Gateway, exchange: Exchange, job: JobRecord): Promise<Buffer> {
  const addresses = await addressesOf(gateway, job, exchange.header('host'));
  const body = showJob(job, { nowMs: gateway.clock.nowMs(), addresses });
  const name = isEnded(job.state) ? `job.${job.state}` : 'job.updated';
  return Buffer.from(`id: ${job.version}\nevent: ${name}\ndata: ${JSON.stringify(body)}\n\n`);
}

/** Sends events until the job has ended, the client leaves, or the gateway stops. */
export async function sendJobEvents(
  gateway: Gateway,
  exchange: Exchange,
  found: JobRecord,
): Promise<void> {
  const headers = ownReplyHeaders(gateway, exchange);
  headers.push('content-type', 'text/event-stream; charset=utf-8');
  headers.push('cache-control', 'no-cache, no-transform', 'x-accel-buffering', 'no');
  const over = new AbortController();
  let latest = found;
  let wake: () => void = () => undefined;
  const off = gateway.jobs.listeners.on(found.id, (job) => {
    latest = job;
    wake();
  });
  const stop = (): void => {
    over.abort();
    wake();
  };
  const slot = gateway.lifecycle.interrupts.add(stop);
  exchange.onGone(stop);
  exchange.startStream(headers);
  const keepalive = setInterval(() => void exchange.write(Buffer.from(': \n\n')), KEEPALIVE_MS);
  try {
    // It may have moved before anybody listened.
    const again = await gateway.store.jobs.find(found.id);
    if (again !== null && again.version > latest.version) latest = again;
    let sent = Number(exchange.header('last-event-id') ?? -1);
    while (!over.signal.aborted) {
      const job = latest;
      if (job.version > sent) {
        exchange.write(await eventOf(gateway, exchange, job));
        sent = job.version;
      }
      if (isEnded(job.state) && job.state !== 'unknown') break;
      if (latest.version > sent) continue;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (over.signal.aborted) resolve();
      });
    }
  } finally {
    clearInterval(keepalive);
    off();
    gateway.lifecycle.interrupts.take(slot);
    exchange.onGone(null);
    exchange.finish(null);
  }
}
