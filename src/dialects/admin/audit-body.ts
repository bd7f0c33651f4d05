/**
 * What a request sent, as the audit trail keeps it.
 *
 * @module
 */

/** Members that hold secrets, or addresses that may. */
const SECRET = /secret|password|token|credential|authorization|api_?key|^key$|url$/i;
const REDACTED = '[redacted]';
const TEXT_MAX = 300;
const ITEMS_MAX = 50;
const DEPTH_MAX = 6;
const BODY_MAX = 16_384;

function shown(value: unknown, depth: number): unknown {
  if (typeof value === 'string') {
    return value.length > TEXT_MAX ? `${value.slice(0, TEXT_MAX)}…` : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  if (depth === DEPTH_MAX) return '…';
  if (Array.isArray(value)) {
    const items = value.slice(0, ITEMS_MAX).map((item) => shown(item, depth + 1));
    return value.length > ITEMS_MAX ? [...items, '…'] : items;
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      SECRET.test(name) && member !== null ? REDACTED : shown(member, depth + 1),
    ]),
  );
}

/** The body as bounded JSON text, secrets taken out. */
export function auditBody(body: unknown): string {
  const text = JSON.stringify(shown(body, 0));
  return text.length > BODY_MAX ? '{"too_large":true}' : text;
}
