/**
 * The end of a gateway: nothing new, what runs ends, everything is booked, then the store closes.
 *
 * @module
 */
import type { Server } from 'node:http';
import type { AlertingService } from '../alerts/alerting-service.ts';
import type { Gateway } from '../gateway/gateway.ts';
import type { PlainFront } from './front/plain-front.ts';
import { type HoldKeeping, keepUnbooked } from './hold-keeping.ts';
import type { Simulator } from '../simulators/index.ts';

/** What was interrupted gets this long to book itself. */
const INTERRUPT_GRACE_MS = 5_000;

async function waitForIdle(gateway: Gateway, untilMs: number): Promise<void> {
  while (gateway.lifecycle.inFlight > 0 && performance.now() < untilMs) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Stops in order; answers when everything is closed. */
export async function stopGateway(parts: {
  readonly server: Server;
  readonly front: PlainFront | null;
  readonly gateway: Gateway;
  readonly alerting: AlertingService;
  readonly holdKeeping: HoldKeeping;
  readonly simulator: Simulator | null;
  readonly drainMs: number;
}): Promise<void> {
  const { server, gateway, alerting, simulator } = parts;
  gateway.lifecycle.draining = true;
  // The port stays open meanwhile: readiness says 503, and new work is told to go elsewhere (F74).
  await waitForIdle(gateway, performance.now() + parts.drainMs);
  for (const interrupt of gateway.lifecycle.interrupts.all()) interrupt();
  await waitForIdle(gateway, performance.now() + INTERRUPT_GRACE_MS);
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeAllConnections();
  parts.front?.close();
  await closed;
  await gateway.jobs.close();
  gateway.upstream.close();
  gateway.wheel.close();
  await alerting.close();
  const unbooked = await parts.holdKeeping.close();
  await gateway.inputs.close();
  await gateway.assets.close();
  await gateway.store.close();
  await keepUnbooked(gateway, unbooked);
  await simulator?.close();
  gateway.recorder.close();
}
