/**
 * The whole gate, as it stands before a merge: every step runs, each failure is named with its remedy.
 *
 * Run: `npm run check`
 *
 * @module
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';

interface Step {
  readonly title: string;
  readonly script: string;
  readonly remedy: string;
}

/** The tests hold the architecture, the core's coverage, and the drift of generated files as well. */
const STEPS: readonly Step[] = [
  { title: 'format', script: 'format:check', remedy: 'npm run format' },
  { title: 'lint', script: 'lint', remedy: 'mend what is named above' },
  { title: 'types', script: 'types', remedy: 'mend what is named above' },
  {
    title: 'tests, architecture, coverage of the core, generated files',
    script: 'test',
    remedy: 'mend the tests above; for a generated file, npm run generate',
  },
  { title: 'package', script: 'check:package', remedy: 'see the last lines of the step' },
];

function runScript(name: string): Promise<number> {
  const child = spawn('npm', ['run', '--silent', name], {
    cwd: join(import.meta.dirname, '..'),
    stdio: 'inherit',
    shell: process.platform === 'win32',
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', (code) => resolve(code ?? 1));
  });
}

const summary: string[] = [];
for (const step of STEPS) {
  console.log(`\n== ${step.title}`);
  const startedMs = performance.now();
  const code = await runScript(step.script);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  const result = code === 0 ? 'ok' : `FAILED (${step.remedy})`;
  if (code !== 0) process.exitCode = 1;
  summary.push(`${step.title}: ${result}, ${seconds} s`);
}
console.log(`\n${summary.join('\n')}`);
