/**
 * From an answer and its faults to what goes on the wire and when: a pure plan that the player carries out.
 *
 * @module
 */
import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { findFault, type Fault } from './fault.ts';
import type { Pace } from './latency.ts';
import { partialUsage, type BodyReply, type SimulatedUsage, type StreamReply } from './reply.ts';
import { frameEvents } from './framing.ts';
import { faultyEvents, type WireEvent } from './stream-faults.ts';

/**
 * What stands before a segment: a pause in ms on a schedule that lateness does not move (what is due leaves together),
 * or a pause of its own, so that the segment leaves apart; 0 is then one turn of the event loop.
 */
export type Gap = number | { readonly apartMs: number };

export interface Segment {
  readonly gap: Gap;
  readonly bytes: Buffer;
  readonly events: number;
  readonly contentEvents: number;
  /** What is billed once this segment has left. */
  readonly usage: SimulatedUsage | null;
}

/** `close`: connection closed without the end that HTTP framing asks for. */
export type Ending = 'end' | 'reset' | 'close' | 'hang';

export interface Transmission {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly segments: readonly Segment[];
  readonly ending: Ending;
  /** Headers leave at once, whatever the first gap. */
  readonly headersFirst: boolean;
  /** What is billed when the caller leaves before the first segment, by milliseconds waited. */
  billedAfter(waitedMs: number): SimulatedUsage | null;
}

const COMPRESSORS = {
  gzip: (bytes: Buffer): Buffer => gzipSync(bytes),
  br: (bytes: Buffer): Buffer => brotliCompressSync(bytes),
  zstd: (bytes: Buffer): Buffer => zstdCompressSync(bytes),
} as const;

/** Index of every byte that continues a UTF-8 character, as cuts. */
function cutsInsideCharacters(bytes: Buffer): number[] {
  const cuts: number[] = [];
  for (let at = 1; at < bytes.length; at += 1) {
    if (((bytes[at] ?? 0) & 0xc0) === 0x80) cuts.push(at);
  }
  return cuts;
}

function slicesOf(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const slices: Buffer[] = [];
  let from = 0;
  for (const cut of cuts) {
    slices.push(bytes.subarray(from, cut));
    from = cut;
  }
  slices.push(bytes.subarray(from));
  return slices.filter((slice) => slice.length > 0);
}

/** One segment as several: its events count with the last of them, its usage from the first, as it has been produced. */
function resegment(segment: Segment, slices: readonly Buffer[], gap: Gap): Segment[] {
  if (slices.length === 0) return [segment];
  return slices.map((bytes, index) => {
    const last = index === slices.length - 1;
    return {
      gap: index === 0 ? (segment.gap === 0 ? gap : segment.gap) : gap,
      bytes,
      events: last ? segment.events : 0,
      contentEvents: last ? segment.contentEvents : 0,
      usage: segment.usage,
    };
  });
}

function slowed(segments: readonly Segment[], faults: readonly Fault[]): readonly Segment[] {
  const drip = findFault(faults, 'drip');
  if (drip !== undefined) {
    const size = Math.max(1, drip.bytes);
    return segments.flatMap((segment) => {
      const count = Math.ceil(segment.bytes.length / size) - 1;
      const cuts = Array.from({ length: Math.max(0, count) }, (_, index) => (index + 1) * size);
      return resegment(segment, slicesOf(segment.bytes, cuts), { apartMs: drip.ms });
    });
  }
  if (findFault(faults, 'split-characters') === undefined) return segments;
  return segments.flatMap((segment) =>
    resegment(segment, slicesOf(segment.bytes, cutsInsideCharacters(segment.bytes)), {
      apartMs: 0,
    }),
  );
}

function encoded(
  bytes: Buffer,
  faults: readonly Fault[],
): { readonly bytes: Buffer; readonly headers: Readonly<Record<string, string>> } {
  const fault = findFault(faults, 'encoding');
  if (fault === undefined || fault.how === 'bomb') return { bytes, headers: {} };
  const headers = { 'content-encoding': fault.encoding };
  if (fault.how === 'lie') return { bytes, headers };
  const compressed = COMPRESSORS[fault.encoding](bytes);
  const kept = fault.how === 'truncated' ? Math.floor(compressed.length / 2) : compressed.length;
  return { bytes: compressed.subarray(0, kept), headers };
}

function bodyBytes(reply: BodyReply, faults: readonly Fault[]): Buffer {
  const empty = findFault(faults, 'empty');
  if (empty?.what === 'body') return Buffer.alloc(0);
  const { body } = reply;
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  if (findFault(faults, 'bad-json') === undefined) return bytes;
  return Buffer.concat([bytes.subarray(0, Math.floor(bytes.length / 2)), Buffer.from(',,"')]);
}

function lengthHeaders(length: number, faults: readonly Fault[]): Record<string, string> {
  const fault = findFault(faults, 'content-length');
  if (fault?.wrong === 'too-long') return { 'content-length': String(length + 64) };
  if (fault?.wrong === 'too-short') {
    return { 'content-length': String(Math.max(1, Math.floor(length / 2))) };
  }
  return { 'content-length': String(length) };
}

function bodyEnding(faults: readonly Fault[]): Ending {
  if (findFault(faults, 'reset')?.at === 'in-body') return 'reset';
  return findFault(faults, 'content-length') === undefined ? 'end' : 'close';
}

/** Plan of a whole body. */
export function planBody(reply: BodyReply, faults: readonly Fault[], pace: Pace): Transmission {
  const { bytes, headers } = encoded(bodyBytes(reply, faults), faults);
  const ending = bodyEnding(faults);
  const stall = findFault(faults, 'stall');
  const stalled = stall?.at === 'first-event';
  const { usage } = reply;
  const outputTokens = usage?.outputTokens ?? 0;
  const thinkingMs =
    usage === null
      ? 0
      : pace.spread(pace.firstTokenMs) + pace.spread(pace.perTokenMs * outputTokens);
  const sent = ending === 'reset' ? bytes.subarray(0, Math.ceil(bytes.length / 2)) : bytes;
  const whole: Segment = {
    gap: thinkingMs + (stalled ? (stall.ms ?? 0) : 0),
    bytes: sent,
    events: 0,
    contentEvents: 0,
    usage,
  };
  return {
    status: reply.status,
    headers: { ...reply.headers, ...lengthHeaders(bytes.length, faults), ...headers },
    segments: stalled && stall.ms === null ? [] : slowed([whole], faults),
    ending: stalled && stall.ms === null ? 'hang' : ending,
    headersFirst: stalled,
    billedAfter(waitedMs) {
      if (usage === null) return null;
      const perTokenMs = pace.perTokenMs;
      const produced = perTokenMs === 0 ? 0 : (waitedMs - pace.firstTokenMs) / perTokenMs;
      return partialUsage(usage, Math.max(0, Math.floor(produced)));
    },
  };
}

function gapBefore(event: WireEvent, index: number, pace: Pace): number {
  const pause = event.pauseMs;
  if (index === 0) return pause + pace.spread(pace.firstTokenMs);
  return pause + (event.kind === 'content' ? pace.spread(pace.perTokenMs * event.tokens) : 0);
}

/** Plan of a stream: one segment for each run of events without a pause between them. */
export function planStream(reply: StreamReply, faults: readonly Fault[], pace: Pace): Transmission {
  const plan = faultyEvents(reply, faults);
  const framed = frameEvents(plan.events, reply, faults);
  const segments: Segment[] = [];
  let parts: string[] = [];
  let raw: Buffer[] = [];
  let counts = { events: 0, contentEvents: 0, produced: reply.usage.reasoningTokens, gap: 0 };
  const flush = (): void => {
    if (parts.length > 0) raw.push(Buffer.from(parts.join('')));
    if (raw.length > 0) {
      segments.push({
        gap: counts.gap,
        bytes: raw.length === 1 ? (raw[0] ?? Buffer.alloc(0)) : Buffer.concat(raw),
        events: counts.events,
        contentEvents: counts.contentEvents,
        usage: partialUsage(reply.usage, counts.produced),
      });
    }
    parts = [];
    raw = [];
    counts = { ...counts, events: 0, contentEvents: 0, gap: 0 };
  };
  plan.events.forEach((event, index) => {
    const gap = gapBefore(event, index, pace);
    if (gap > 0) {
      flush();
      counts.gap = gap;
    }
    const text = framed[index] ?? '';
    if (event.cut === null) parts.push(text);
    else {
      if (parts.length > 0) raw.push(Buffer.from(parts.join('')));
      parts = [];
      raw.push(cutEvent(text, event.cut));
    }
    if (event.cut === null) {
      counts.events += 1;
      if (event.kind === 'content') counts.contentEvents += 1;
      counts.produced = event.producedTokens;
    }
  });
  flush();
  return finishStream(reply, faults, { segments, ending: plan.ending, pauseMs: plan.endPauseMs });
}

/** The first half of an event; `half-character` ends after the first byte of a character of several. */
function cutEvent(text: string, how: 'half-event' | 'half-character'): Buffer {
  const bytes = Buffer.from(text);
  if (how === 'half-event') return bytes.subarray(0, Math.ceil(bytes.length / 2));
  const cut = cutsInsideCharacters(bytes)[0];
  return cut === undefined
    ? bytes.subarray(0, Math.ceil(bytes.length / 2))
    : bytes.subarray(0, cut);
}

function finishStream(
  reply: StreamReply,
  faults: readonly Fault[],
  plan: {
    readonly segments: readonly Segment[];
    readonly ending: Ending;
    readonly pauseMs: number;
  },
): Transmission {
  let segments = plan.segments;
  let headers = reply.headers;
  if (findFault(faults, 'encoding') !== undefined && segments.length > 0) {
    const last = segments.at(-1);
    const result = encoded(Buffer.concat(segments.map((segment) => segment.bytes)), faults);
    headers = { ...headers, ...result.headers };
    const events = segments.reduce((sum, segment) => sum + segment.events, 0);
    const contentEvents = segments.reduce((sum, segment) => sum + segment.contentEvents, 0);
    const usage = last?.usage ?? null;
    segments = [{ gap: segments[0]?.gap ?? 0, bytes: result.bytes, events, contentEvents, usage }];
  }
  if (plan.pauseMs > 0) {
    const usage = segments.at(-1)?.usage ?? partialUsage(reply.usage, reply.usage.reasoningTokens);
    const silence = {
      gap: plan.pauseMs,
      bytes: Buffer.alloc(0),
      events: 0,
      contentEvents: 0,
      usage,
    };
    segments = [...segments, silence];
  }
  return {
    status: reply.status,
    headers,
    segments: slowed(segments, faults),
    ending: plan.ending,
    headersFirst: findFault(faults, 'stall')?.at === 'first-event',
    billedAfter: () => partialUsage(reply.usage, 0),
  };
}
