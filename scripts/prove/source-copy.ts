/**
 * Copies of the source with a bug put in on purpose.
 *
 * @module
 */
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '../..');

/** A change of one file. */
export interface Edit {
  readonly file: string;
  /** Text that must stand in the file, and what takes its place; of a pattern's groups as `String.replace` has it. */
  readonly from: string | RegExp;
  readonly to: string;
}

/** Copies files and folders of the project into a new folder, with the installed packages. */
export function copySource(names: readonly string[]): string {
  const directory = mkdtempSync(join(tmpdir(), 'gateway-bug-'));
  for (const name of names) cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

/**
 * Puts a bug into a copy and returns what takes it out again.
 *
 * @throws Error when the text is not where it was: the bug has to be adapted
 */
export function putBug(
  directory: string,
  bug: { readonly name: string; readonly edits: readonly Edit[] },
): () => void {
  const originals = new Map<string, string>();
  for (const { file, from, to } of bug.edits) {
    const path = join(directory, file);
    const text = readFileSync(path, 'utf8');
    if (!originals.has(path)) originals.set(path, text);
    // Only a pattern has groups; a plain text is put in as it is.
    const changed =
      typeof from === 'string' ? text.replace(from, () => to) : text.replace(from, to);
    if (changed === text) {
      throw new Error(`The bug "${bug.name}" cannot be put into ${file} any more: adapt it`);
    }
    writeFileSync(path, changed);
  }
  return () => {
    for (const [path, text] of originals) writeFileSync(path, text);
  };
}
