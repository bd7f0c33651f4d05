/**
 * A lab for calls under idempotency keys: every test has a model, and with it a provider log, of its own.
 *
 * @module
 */
import type { FaultInput } from '../../src/simulators/index.ts';
import type { DataPlaneSettings } from '../../src/gateway/gateway.ts';
import {
  chatBody,
  openLab,
  SERVICE_KEY,
  type Lab,
  type LabOptions,
  type Reply,
} from '../support/lab.ts';

/** A call under a key. */
export interface KeyedCall {
  readonly key: string;
  /** Default: the service key. */
  readonly apiKey?: string;
  readonly stream?: boolean;
  readonly body?: Readonly<Record<string, unknown>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** One model of OpenAI's wire. */
export interface Target {
  readonly model: string;
  /** What the next calls of the model meet, one a call. */
  fault(...sequence: readonly (FaultInput | null)[]): void;
  /** Calls that have reached the provider. */
  calls(): Lab['simulator']['log'];
  call(call: KeyedCall): Promise<Reply>;
  /** As {@link call}, without reading the reply. */
  open(call: KeyedCall, signal?: AbortSignal): Promise<Response>;
}

export interface KeyedLab {
  readonly lab: Lab;
  target(): Target;
}

let serial = 0;

function targetOf(lab: Lab): Target {
  serial += 1;
  // Dated snapshots share the price of their model.
  const day = new Date(Date.UTC(2024, 0, serial)).toISOString().slice(0, 10);
  const name = `gpt-4o-mini-${day}`;
  const model = `openai/${name}`;
  const requestOf = (call: KeyedCall) => ({
    headers: { 'idempotency-key': call.key, ...call.headers },
    body: chatBody(model, { ...(call.stream === true ? { stream: true } : {}), ...call.body }),
  });
  return {
    model,
    fault: (...sequence) => lab.simulator.setFault({ match: { model: name }, sequence }),
    calls: () => lab.simulator.log.filter((entry) => entry.model === name),
    call: (call) =>
      lab.call('/v1/chat/completions', { key: call.apiKey ?? SERVICE_KEY, ...requestOf(call) }),
    open(call, signal) {
      const { headers, body } = requestOf(call);
      return fetch(`${lab.url}/v1/chat/completions`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${call.apiKey ?? SERVICE_KEY}`,
          'content-type': 'application/json',
          ...headers,
        },
        body: JSON.stringify(body),
        ...(signal === undefined ? {} : { signal }),
      });
    },
  };
}

export async function openKeyedLab(
  options: LabOptions = {},
  settings: Partial<DataPlaneSettings> = {},
): Promise<KeyedLab> {
  const lab = await openLab(options);
  Object.assign(lab.gateway.gateway.gateway.settings, settings);
  return { lab, target: () => targetOf(lab) };
}

/** Repeats a call until its first is over. */
export async function collect(target: Target, call: KeyedCall): Promise<Reply> {
  const untilMs = performance.now() + 10_000;
  for (;;) {
    const reply = await target.call(call);
    if (reply.error['code'] !== 'idempotency_in_flight') return reply;
    if (performance.now() > untilMs) throw new Error('the first call never ended');
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}
