/**
 * A gateway whose providers are recordings of media, and what every such replay asserts: each recording of the suite was served, what
 * it made reached the client, and what it cost the ledger.
 *
 * @module
 */
import { expect } from 'vitest';
import { eventually } from '../support/lab.ts';
import {
  explainAbsence,
  hasRecordings,
  loadRecording,
  type Recording,
} from '../support/recordings.ts';
import {
  replyOf,
  startReplayUpstream,
  type ReplayReply,
  type ReplayUpstream,
} from '../support/replay-upstream.ts';
import {
  requestOf,
  startTestGateway,
  verifyLedger,
  type ShownRequest,
  type TestGateway,
} from '../support/running-gateway.ts';
import { looseOf, type Loose } from './json.ts';
import { idsOf, type MediaSuite } from './media-plan.ts';

/** Hosts that recorded replies name, all of which are the upstream here. */
const NAMED_HOSTS =
  /https:\/\/(?:generativelanguage\.googleapis\.com|[\w.-]*fal\.(?:run|media)|[\w.-]*replicate\.(?:com|delivery)|api\.wavespeed\.ai)(?=\/)/g;

const WHOLE = { mode: 'whole' } as const;

/** A reply of the gateway, with what was booked for it. */
export interface Answered {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Buffer;
  /** Empty where the body is no object. */
  readonly json: Loose;
  readonly booked: ShownRequest;
}

export class MediaWorld {
  readonly gateway: TestGateway;
  readonly upstream: ReplayUpstream;
  readonly #suite: MediaSuite;
  readonly #served = new Set<string>();

  private constructor(suite: MediaSuite, gateway: TestGateway, upstream: ReplayUpstream) {
    this.#suite = suite;
    this.gateway = gateway;
    this.upstream = upstream;
  }

  static async open(
    suite: MediaSuite,
    options: {
      /** Variables of the providers, by the upstream's address. */
      readonly environment: (url: string) => Readonly<Record<string, string>>;
      readonly config?: object;
    },
  ): Promise<MediaWorld> {
    explainAbsence();
    const upstream = await startReplayUpstream();
    const gateway = await startTestGateway({
      environment: options.environment(upstream.url),
      ...(options.config === undefined ? {} : { config: JSON.stringify(options.config) }),
    });
    return new MediaWorld(suite, gateway, upstream);
  }

  /** A recording; from now on it counts as replayed. */
  recording(id: string): Recording {
    this.#served.add(id);
    return loadRecording(id);
  }

  /** Its reply, with every address of the provider's at the upstream. */
  reply(id: string): ReplayReply {
    const reply = replyOf(this.recording(id));
    const moved = (text: string): string => text.replaceAll(NAMED_HOSTS, this.upstream.url);
    const headers = Object.entries(reply.headers).map(([name, value]) => [name, moved(value)]);
    const isJson = reply.headers['content-type']?.includes('json') === true;
    return {
      ...reply,
      headers: Object.fromEntries(headers) as Record<string, string>,
      body: isJson ? Buffer.from(moved(reply.body.toString('utf8'))) : reply.body,
    };
  }

  /** A reply that was not recorded, as the provider's documentation has it. */
  told(body: object): ReplayReply {
    const headers = { 'content-type': 'application/json' };
    return { status: 200, headers, body: Buffer.from(JSON.stringify(body)), delivery: WHOLE };
  }

  async fetch(path: string, body?: object | FormData, method = 'POST'): Promise<Response> {
    const isJson = body !== undefined && !(body instanceof FormData);
    return await fetch(`${this.gateway.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${this.gateway.apiKey}`,
        ...(isJson ? { 'content-type': 'application/json' } : {}),
      },
      ...(body === undefined ? {} : { body: isJson ? JSON.stringify(body) : body }),
    });
  }

  /** A call that must succeed and cost something. */
  async ask(path: string, body: object | FormData): Promise<Answered> {
    const reply = await this.fetch(path, body);
    const bytes = Buffer.from(await reply.arrayBuffer());
    expect([reply.status, reply.ok ? '' : bytes.toString()]).toEqual([200, '']);
    const booked = await requestOf(this.gateway, reply.headers.get('x-request-id') ?? '');
    expect(Number(booked.cost)).toBeGreaterThan(0);
    const isJson = reply.headers.get('content-type')?.includes('application/json') === true;
    const json = isJson ? looseOf(JSON.parse(bytes.toString())) : {};
    return { status: reply.status, headers: reply.headers, bytes, json, booked };
  }

  /** A job, once it has ended. */
  async ended(id: unknown): Promise<Loose> {
    let shown: Loose = {};
    await eventually(async () => {
      shown = looseOf(await (await this.fetch(`/v1/jobs/${String(id)}`, undefined, 'GET')).json());
      return shown['status'] !== 'queued' && shown['status'] !== 'running';
    });
    return shown;
  }

  /** Ends everything, once every recording of the suite has been replayed and nothing is held. */
  async close(): Promise<void> {
    const left = hasRecordings ? idsOf(this.#suite).filter((id) => !this.#served.has(id)) : [];
    const { open_holds: openHolds, ok } = await verifyLedger(this.gateway);
    await this.gateway.stop();
    await this.upstream.close();
    expect({ left, openHolds, ok }).toEqual({ left: [], openHolds: 0, ok: true });
  }
}
