/**
 * Runs the tests and ends with the plain line `N passed, N failed, N skipped`, which tools read.
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numFailedTestSuites: number;
}

const folder = mkdtempSync(join(tmpdir(), 'alwrity-gateway-tests-'));
const reportFile = join(folder, 'report.json');

/** @returns the exit code of vitest */
function runVitest(): Promise<number> {
  const vitest = join(import.meta.dirname, '../node_modules/vitest/vitest.mjs');
  const child = spawn(
    process.execPath,
    [vitest, 'run', '--reporter=dot', '--reporter=json', `--outputFile.json=${reportFile}`, ...process.argv.slice(2)],
    { stdio: 'inherit' },
  );
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

let code = await runVitest();
try {
  const report = JSON.parse(readFileSync(reportFile, 'utf8')) as Report;
  const failed = report.numFailedTests + (report.numFailedTests === 0 ? report.numFailedTestSuites : 0);
  if (failed > 0 || report.numPassedTests === 0) code = code === 0 ? 1 : code;
  console.log(
    `${report.numPassedTests} passed, ${failed} failed, ${report.numPendingTests + report.numTodoTests} skipped`,
  );
} catch (error) {
  console.error(`No test report was written: ${String(error)}`);
  code = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
process.exit(code);
