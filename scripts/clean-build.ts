/**
 * Removes the built package, so that no file of an earlier build stays in it.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';

rmSync(join(import.meta.dirname, '../dist'), { recursive: true, force: true });
