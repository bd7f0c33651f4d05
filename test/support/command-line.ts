/**
 * The command line against a gateway of a test, in a folder of its own.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCaptured, type Captured } from '../../src/cli/testing/run-captured.ts';
import type { TestGateway } from './running-gateway.ts';

export interface CommandLine {
  /** Where commands run, and where they write relative files. */
  readonly folder: string;
  run(...args: string[]): Promise<Captured>;
  /** Removes the folder. */
  close(): void;
}

/** Commands that talk to this gateway with the keys of its data folder, or those given; `--data-dir` may be another. */
export function commandLineOf(
  gateway: TestGateway,
  environment: Readonly<Record<string, string>> = {},
): CommandLine {
  const folder = mkdtempSync(join(tmpdir(), 'gateway-commands-'));
  return {
    folder,
    run: (...args) =>
      runCaptured(args.includes('--data-dir') ? args : [...args, '--data-dir', gateway.dataDir], {
        workingDirectory: folder,
        environment: { GATEWAY_URL: gateway.url, ...environment },
      }),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
