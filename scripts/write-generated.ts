/**
 * Writes generated files below the repository's root.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GENERATED_FILES } from '../src/openapi/generated-files.ts';

/** Writes what one script is responsible for. */
export function writeGenerated(script: string): void {
  const root = join(import.meta.dirname, '..');
  for (const file of GENERATED_FILES.filter((candidate) => candidate.script === script)) {
    const path = join(root, file.path);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, file.build());
    console.log(`wrote ${file.path}`);
  }
}
