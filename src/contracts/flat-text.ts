/**
 * Well-formed text in one piece. V8 keeps what was put together as a tree of its parts, which every text that it is put
 * into walks through again when it is written: worth it for what is written many times.
 */
export function flatText(text: string): string {
  return Buffer.from(text).toString();
}
