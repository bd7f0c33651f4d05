/**
 * Globs on operations and models: `*` stands for any run of characters, `/` and `.` included; nothing else is special.
 *
 * @module
 */

export type GlobMatcher = (text: string) => boolean;

const matchAll: GlobMatcher = () => true;

/** Compiles a glob. Matching searches each literal part once, left to right, so no pattern makes it backtrack. */
export function compileGlob(pattern: string): GlobMatcher {
  const star = pattern.indexOf('*');
  if (star < 0) return (text) => text === pattern;
  const lastStar = pattern.lastIndexOf('*');
  const first = pattern.slice(0, star);
  const last = pattern.slice(lastStar + 1);
  const middle = pattern
    .slice(star, lastStar)
    .split('*')
    .filter((part) => part !== '');
  if (first === '' && last === '' && middle.length === 0) return matchAll;
  return (text) => {
    if (text.length < first.length + last.length) return false;
    if (!text.startsWith(first) || !text.endsWith(last)) return false;
    let from = first.length;
    const end = text.length - last.length;
    for (const part of middle) {
      const at = text.indexOf(part, from);
      if (at < 0) return false;
      from = at + part.length;
    }
    return from <= end;
  };
}
