/**
 * Ids of events as they are stored. What belongs to a hold begins with the hold: `<hold>:settle` for `settle:<hold>`,
 * `<hold>:extend:2` for `extend:<hold>:2`. Since ids of holds begin with their time, all events of calls in progress then
 * stand side by side in the index, on few pages, instead of one place for each kind.
 *
 * @module
 */

/** The stored form of an event's id. */
export function storedEventId(eventId: string, holdId: string | null): string {
  if (holdId === null) return eventId;
  const mark = eventId.indexOf(':');
  const end = mark + 1 + holdId.length;
  if (!eventId.startsWith(holdId, mark + 1)) return eventId;
  const what = eventId.slice(0, mark);
  if (eventId.length === end) return `${holdId}:${what}`;
  return eventId[end] === ':' ? `${holdId}:${what}${eventId.slice(end)}` : eventId;
}

/** The id behind a stored form. */
export function eventIdOf(stored: string, holdId: string | null): string {
  if (holdId === null || !stored.startsWith(`${holdId}:`)) return stored;
  const rest = stored.slice(holdId.length + 1);
  const mark = rest.indexOf(':');
  return mark < 0 ? `${rest}:${holdId}` : `${rest.slice(0, mark)}:${holdId}${rest.slice(mark)}`;
}

/** SQL of the stored id of a hold's event of that kind. @param hold how the statement names the hold */
export function storedIdSql(kind: string, hold = '?1'): string {
  return `${hold} || ':${kind}'`;
}

/** SQL condition for all of a hold's events of a kind that is numbered: `<hold>:extend:2`. */
export function numberedIdsSql(kind: string, hold = '?1'): string {
  return `event_id > ${storedIdSql(`${kind}:`, hold)} AND event_id < ${storedIdSql(`${kind};`, hold)}`;
}

/** SQL that gives the stored form to rows of version 1, which had the id itself. */
export const STORED_EVENT_ID_SQL = `
  CASE
    WHEN hold_id IS NULL THEN event_id
    WHEN substr(event_id, instr(event_id, ':') + 1) = hold_id
      OR substr(event_id, instr(event_id, ':') + 1, length(hold_id) + 1) = hold_id || ':'
    THEN hold_id || ':' || substr(event_id, 1, instr(event_id, ':') - 1)
      || substr(event_id, instr(event_id, ':') + 1 + length(hold_id))
    ELSE event_id
  END`;
