/**
 * Does the kill loop find anything? Copies of the source, each with one bug put in on purpose, go through it: a loop
 * that calls one of them clean proves nothing about the rest.
 *
 * @module
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { runKillLoop } from '../../test/chaos/kill-loop.ts';
import { killFaults, type Figure } from '../../test/chaos/kill-report.ts';
import type { Part } from './parts.ts';
import { copySource, type Edit, putBug } from './source-copy.ts';

interface SeededBug extends Edit {
  readonly name: string;
}

const BUGS: readonly SeededBug[] = [
  {
    name: 'a whole answer leaves before its settlement',
    file: 'src/gateway/deliver.ts',
    from: /^ {2}(await book\(gateway, run, \{ status: 200, errorCode: null, clientClosed: run\.exchange\.gone \}\);)\n([\s\S]*?)^( {2}run\.exchange\.send\(.*\);)\n/m,
    to: '$2$3\n  $1\n',
  },
  {
    name: 'the end of a stream leaves before its settlement',
    file: 'src/gateway/deliver.ts',
    from: /^ {2}(await book\(gateway, run, \{ status: 200, errorCode: null, clientClosed \}\);)\n( {2}exchange\.finish\(.*\);)\n/m,
    to: '$2\n  $1\n',
  },
  {
    name: 'the provider is called without waiting for the hold',
    file: 'src/gateway/pipeline.ts',
    from: /await reserve\(gateway, run\);/,
    to: 'void reserve(gateway, run).catch(() => {});',
  },
  {
    name: 'costs are rounded down',
    file: 'src/catalog/price.ts',
    from: /BigInt\(ceilMillionths\(sum\)\)/,
    to: 'BigInt(Math.floor(sum / 1e6) + 0 * ceilMillionths(sum))',
  },
  {
    name: 'a key forgets a call that a kill has cut off',
    file: 'src/store/sqlite/idempotency-table.ts',
    from: "if (holdEnd === 'never') return null;",
    to: 'if (holdEnd !== null) return null;',
  },
  {
    name: 'a top-up that is repeated is granted again',
    file: 'src/store/sqlite/wallet-operations.ts',
    from: "const reference = credit.reference ?? ids.next('evt');",
    to: "const reference = `${credit.reference ?? ''}${ids.next('evt')}`;",
  },
];

function copyWith(bug: SeededBug): string {
  const directory = copySource(['src', 'package.json']);
  putBug(directory, { name: bug.name, edits: [bug] });
  return directory;
}

/** What the loop says of a copy; empty when it finds nothing. */
async function findingsOf(bug: SeededBug, cycles: number, seed: string): Promise<string> {
  const directory = copyWith(bug);
  try {
    const mainFile = join(directory, 'src/cli/main.ts');
    const report = await runKillLoop({ cycles, seed, mainFile });
    return killFaults(report)
      .map(([name, value]) => `${name}: ${value}`)
      .join('; ');
  } catch (error) {
    return error instanceof Error ? error.message.slice(0, 200) : String(error);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Runs every copy; the part holds when each bug is found. */
export async function proveSeededBugs(cycles: number, seed: string): Promise<Part> {
  const figures: Figure[] = [];
  let found = 0;
  for (const bug of BUGS) {
    const findings = await findingsOf(bug, cycles, seed);
    if (findings !== '') found += 1;
    figures.push([bug.name, findings === '' ? 'NOT found' : findings.replaceAll('|', '/')]);
    process.stderr.write(`  ${bug.name}: ${findings === '' ? 'NOT found' : 'found'}\n`);
  }
  return {
    name: 'bugs',
    title: 'Copies with a bug put in on purpose',
    command: `npm run prove -- --only bugs --bug-cycles ${cycles} --seed ${seed}`,
    figures: [[`bugs found in ${cycles} kills each`, `${found} of ${BUGS.length}`], ...figures],
    ok: found === BUGS.length,
  };
}
