/**
 * What faults do to the list of events of a stream, before framing.
 *
 * @module
 */
import { findFault, type Fault } from './fault.ts';
import type { StreamEvent, StreamReply } from './reply.ts';
import type { Ending } from './transmission.ts';

export interface WireEvent {
  readonly kind: StreamEvent['kind'] | 'added';
  readonly data: string;
  readonly producedTokens: number;
  /** Tokens this event adds. */
  readonly tokens: number;
  /** Silence before it, beside the pace of tokens. */
  readonly pauseMs: number;
  /** Only the first part of the framed event is sent. */
  readonly cut: 'half-event' | 'half-character' | null;
  /** Sent as it is, without framing. */
  readonly bare: boolean;
}

export interface EventPlan {
  readonly events: readonly WireEvent[];
  readonly ending: Ending;
  /** Silence after the last event. */
  readonly endPauseMs: number;
}

function wireEvents(reply: StreamReply): WireEvent[] {
  let produced = reply.usage.reasoningTokens;
  return reply.events.map((event) => {
    const tokens = Math.max(0, event.producedTokens - produced);
    produced = Math.max(produced, event.producedTokens);
    return { ...event, tokens, pauseMs: 0, cut: null, bare: false };
  });
}

/** Index of the event that follows the first n content events. */
function indexAfter(events: readonly WireEvent[], contentEvents: number): number {
  let seen = 0;
  for (const [index, event] of events.entries()) {
    if (event.kind !== 'content') {
      if (event.kind === 'opening' || seen < contentEvents) continue;
      return index;
    }
    if (seen === contentEvents) return index;
    seen += 1;
  }
  return events.length;
}

function withoutDone(events: WireEvent[], faults: readonly Fault[]): WireEvent[] {
  if (findFault(faults, 'no-done') === undefined) return events;
  return events.filter((event) => event.kind !== 'done');
}

const UNKNOWN_EVENTS: readonly string[] = [
  '{"object":"simulator.unknown","note":"an event of a kind that no client knows"}',
  '{"type":"ping"}',
];

function rearranged(events: WireEvent[], faults: readonly Fault[]): WireEvent[] {
  const fault = findFault(faults, 'events');
  if (fault === undefined) return events;
  if (fault.how === 'duplicate') {
    return events.flatMap((event) =>
      event.kind === 'finish' || event.kind === 'usage'
        ? [event, { ...event, tokens: 0 }]
        : [event],
    );
  }
  if (fault.how === 'reordered') {
    const usage = events.filter((event) => event.kind === 'usage');
    const rest = events.filter((event) => event.kind !== 'usage');
    const at = indexAfter(rest, 1);
    return [...rest.slice(0, at), ...usage, ...rest.slice(at)];
  }
  const at = indexAfter(events, 2);
  const produced = events[at - 1]?.producedTokens ?? 0;
  const unknown = UNKNOWN_EVENTS.map((data) => addedEvent(data, produced, false));
  return [...events.slice(0, at), ...unknown, ...events.slice(at)];
}

function addedEvent(data: string, producedTokens: number, bare: boolean): WireEvent {
  return { kind: 'added', data, producedTokens, tokens: 0, pauseMs: 0, cut: null, bare };
}

function malformed(events: WireEvent[], faults: readonly Fault[]): WireEvent[] {
  const fault = findFault(faults, 'bad-json');
  if (fault === undefined) return events;
  const at = indexAfter(events, Math.max(0, fault.event - 1));
  return events.map((event, index) => {
    if (index !== at) return event;
    const broken = `${event.data.slice(0, Math.floor(event.data.length / 2))},,"`;
    return { ...event, data: broken };
  });
}

function interrupted(
  events: WireEvent[],
  faults: readonly Fault[],
  inBandError: string | null,
): { readonly events: WireEvent[]; readonly ending: Ending } {
  const error = findFault(faults, 'in-band-error');
  if (error !== undefined && inBandError !== null) {
    const at = error.afterEvents < 0 ? 0 : indexAfter(events, error.afterEvents);
    const produced = events[at - 1]?.producedTokens ?? 0;
    return {
      events: [...events.slice(0, at), addedEvent(inBandError, produced, error.bare)],
      ending: 'end',
    };
  }
  const fault = findFault(faults, 'break');
  if (fault === undefined) return { events, ending: 'end' };
  let at = indexAfter(events, fault.afterEvents);
  if (fault.how === 'half-character') {
    const wide = events.findIndex(
      (event, index) => index >= at && /[\u0080-\uffff]/.test(event.data),
    );
    if (wide >= 0) at = wide;
  }
  const kept = events.slice(0, at);
  const next = events[at];
  if (fault.how === 'half-event' || fault.how === 'half-character') {
    if (next !== undefined) kept.push({ ...next, cut: fault.how });
    return { events: kept, ending: 'end' };
  }
  return { events: kept, ending: fault.how === 'eof' ? 'end' : fault.how };
}

function stalled(
  plan: { readonly events: WireEvent[]; readonly ending: Ending },
  faults: readonly Fault[],
): EventPlan {
  const fault = findFault(faults, 'stall');
  if (fault === undefined || fault.at === 'headers') return { ...plan, endPauseMs: 0 };
  const at = fault.at === 'first-event' ? 0 : indexAfter(plan.events, fault.afterEvents);
  if (fault.ms === null) return { events: plan.events.slice(0, at), ending: 'hang', endPauseMs: 0 };
  if (fault.next !== 'continue') {
    const ending = fault.next === 'eof' ? 'end' : 'reset';
    return { events: plan.events.slice(0, at), ending, endPauseMs: fault.ms };
  }
  const pauseMs = fault.ms;
  const events = plan.events.map((event, index) => (index === at ? { ...event, pauseMs } : event));
  return { events, ending: plan.ending, endPauseMs: 0 };
}

/** The events that are sent, and how the stream ends. */
export function faultyEvents(reply: StreamReply, faults: readonly Fault[]): EventPlan {
  let events = wireEvents(reply);
  if (faults.length === 0) return { events, ending: 'end', endPauseMs: 0 };
  const empty = findFault(faults, 'empty');
  if (empty?.what === 'body') events = [];
  events = malformed(rearranged(withoutDone(events, faults), faults), faults);
  const error = findFault(faults, 'in-band-error');
  const data = error === undefined ? null : reply.inBandError(error.error);
  return stalled(interrupted(events, faults, data), faults);
}

/** Tokens of a text, for families that put several in one event. */
export function chunksOf(tokens: readonly string[], size: number): string[] {
  if (size === 1) return [...tokens];
  const chunks: string[] = [];
  for (let at = 0; at < tokens.length; at += size)
    chunks.push(tokens.slice(at, at + size).join(''));
  return chunks;
}
