/**
 * Events as bytes of `text/event-stream` (WHATWG HTML §9.2), in every framing that the standard allows.
 *
 * @module
 */
import { findFault, type Fault, type FramingFault } from './fault.ts';
import type { StreamReply } from './reply.ts';
import type { WireEvent } from './stream-faults.ts';

interface Framing {
  readonly lineEnds: readonly [string, ...string[]];
  readonly bom: boolean;
  readonly comments: boolean;
  readonly multiLine: boolean;
  readonly space: boolean;
  readonly fields: boolean;
}

function framingOf(how: FramingFault | null, lineEnd: string): Framing {
  const every = how === 'all';
  const lineEnds: Partial<Record<FramingFault, readonly [string, ...string[]]>> = {
    lf: ['\n'],
    cr: ['\r'],
    crlf: ['\r\n'],
    mixed: ['\n', '\r\n', '\r'],
    all: ['\r\n', '\n', '\r'],
  };
  return {
    lineEnds: (how === null ? undefined : lineEnds[how]) ?? [lineEnd],
    bom: every || how === 'bom',
    comments: every || how === 'comments',
    multiLine: every || how === 'multi-line',
    space: !(every || how === 'no-space'),
    fields: every || how === 'fields',
  };
}

/**
 * Where JSON may be broken over two `data:` lines: after the first comma or colon outside strings, since the line
 * feed that joins them is white space there.
 */
function breakPoint(data: string): number {
  let quoted = false;
  for (let at = 0; at < data.length; at += 1) {
    const character = data[at];
    if (character === '\\') at += 1;
    else if (character === '"') quoted = !quoted;
    else if (!quoted && character === ',') return at + 1;
  }
  return -1;
}

function dataLines(data: string, framing: Framing, lineEnd: string): string {
  const name = framing.space ? 'data: ' : 'data:';
  const at = framing.multiLine ? breakPoint(data) : -1;
  if (at < 0) return `${name}${data}${lineEnd}`;
  return `${name}${data.slice(0, at)}${lineEnd}${name}${data.slice(at)}${lineEnd}`;
}

function frameArray(events: readonly WireEvent[]): string[] {
  return events.map((event, index) => {
    if (event.bare) return event.data;
    const opening = index === 0 ? '[' : ',\r\n';
    const complete = index === events.length - 1 && event.kind === 'finish';
    return `${opening}${event.data}${complete ? '\n]' : '\n'}`;
  });
}

/** One text an event; joined they are the payload. */
export function frameEvents(
  events: readonly WireEvent[],
  reply: StreamReply,
  faults: readonly Fault[],
): readonly string[] {
  if (reply.framing === 'array') return frameArray(events);
  const lineEnd = reply.framing === 'crlf' ? '\r\n' : '\n';
  const fault = findFault(faults, 'framing');
  if (fault === undefined) {
    const end = lineEnd + lineEnd;
    return events.map((event) => (event.bare ? event.data : `data: ${event.data}${end}`));
  }
  const framing = framingOf(fault.how, lineEnd);
  let line = 0;
  const next = (): string => {
    const end = framing.lineEnds[line % framing.lineEnds.length] ?? '\n';
    line += 1;
    return end;
  };
  return events.map((event, index) => {
    if (event.bare) return event.data;
    let text = index === 0 && framing.bom ? '\uFEFF' : '';
    if (framing.comments) {
      const end = next();
      text += `: keep-alive ${String(index)}${end}${end}`;
    }
    if (framing.fields)
      text += `id: ${String(index)}${next()}retry: 3000${next()}unknown: x${next()}`;
    const end = next();
    return `${text}${dataLines(event.data, framing, end)}${end}`;
  });
}
