import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { renderCliDocs } from './cli-docs.ts';
import { createProgram } from './program.ts';
import { capturingContext } from './testing/run-captured.ts';

describe('docs/cli.md', () => {
  it('says what the commands say', async () => {
    const { context } = capturingContext();
    const page = renderCliDocs(createProgram({ context, exitWith: () => {} }));
    await expect(page).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/cli.md'));
  });
});
