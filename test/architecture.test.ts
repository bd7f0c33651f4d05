import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PROVIDERS } from '../src/providers/registry.ts';

const SOURCE = resolve(import.meta.dirname, '../src');

interface SourceFile {
  /** Path below `src`, such as `gateway/pipeline.ts`. */
  readonly path: string;
  readonly text: string;
  /** Paths below `src` of relative imports, and bare package names. */
  readonly imports: readonly string[];
  readonly valueImports: readonly string[];
}

function importsOf(path: string, text: string, valuesOnly: boolean): string[] {
  const found: string[] = [];
  const pattern =
    /(?:^|\n)\s*(?:import|export)\s+(type\s+)?(?:[^'";]*?\sfrom\s+)?'([^']+)'|import\('([^']+)'\)/g;
  for (const match of text.matchAll(pattern)) {
    const [, isType, fromStatement, fromCall] = match;
    if (valuesOnly && (isType !== undefined || fromCall !== undefined)) continue;
    const target = fromStatement ?? fromCall ?? '';
    found.push(
      target.startsWith('.') ? relative(SOURCE, resolve(SOURCE, dirname(path), target)) : target,
    );
  }
  return found;
}

/** What the package is built of: tests and their support are not in it. */
function readSources(): SourceFile[] {
  return readdirSync(SOURCE, { recursive: true, encoding: 'utf8' })
    .filter(
      (path) => path.endsWith('.ts') && !/\.(test|contract)\.ts$|\/(testing|fixtures)\//.test(path),
    )
    .map((path) => {
      const text = readFileSync(join(SOURCE, path), 'utf8');
      return {
        path,
        text,
        imports: importsOf(path, text, false),
        valueImports: importsOf(path, text, true),
      };
    });
}

const sources = readSources();

/** Which folders a folder may import from, besides itself; longest prefix wins. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  contracts: ['zod'],
  collections: [],
  http: ['contracts', 'collections', 'undici', 'fast-png', 'node:'],
  'providers/registry.ts': ['providers', 'contracts'],
  'providers/sim': [
    'contracts',
    'http',
    'providers/openai-compatible',
    'providers/replies.ts',
    'node:crypto',
    'simulators',
  ],
  providers: [
    'contracts',
    'http',
    'zod',
    'node:buffer',
    'node:crypto',
    'providers/openai-compatible',
  ],
  catalog: ['contracts', 'metering/ports.ts', 'zod', 'node:crypto'],
  'metering/core': ['contracts', 'collections', 'metering', 'temporal-polyfill'],
  metering: ['contracts', 'metering', 'media/asset-port.ts'],
  routing: ['contracts'],
  secrets: ['node:crypto'],
  alerts: ['contracts', 'http', 'metering', 'secrets', 'node:', 'nodemailer'],
  'store/sqlite': [
    'contracts',
    'collections',
    'metering',
    'media/asset-port.ts',
    'node:',
    'catalog',
  ],
  media: [
    'contracts',
    'http',
    'metering/ports.ts',
    'secrets',
    'node:',
    '@fastify/busboy',
    'file-type',
    'music-metadata',
    'image-size',
    '@aws-sdk/client-s3',
  ],
  gateway: [
    'contracts',
    'collections',
    'http',
    'catalog',
    'media',
    'metering',
    'routing',
    'secrets',
    'node:crypto',
    'node:http',
  ],
  dialects: [
    'contracts',
    'http',
    'gateway',
    'catalog',
    'media',
    'metering',
    'openapi',
    'zod',
    'hono',
    'temporal-polyfill',
    'node:buffer',
    'node:crypto',
    'node:net',
    'node:stream',
    'dialects',
  ],
  // Prices are a setting too, and have one schema.
  config: [
    'contracts',
    'catalog/price-row.ts',
    'catalog/price-item.ts',
    'metering/core/check-limits.ts',
    'metering/core/compiled-plan.ts',
    'zod',
    'yaml',
    'node:',
  ],
  openapi: ['contracts', 'config', 'version.ts', 'zod', 'zod-openapi', 'dialects'],
  observability: ['contracts', 'gateway', 'metering', 'node:fs', 'pino', 'prom-client'],
  simulators: ['contracts/wire.ts', 'node:'],
  speech: ['node:', 'wasm-media-encoders'],
};

function ruleFor(path: string): readonly [string, readonly string[]] | null {
  const prefixes = Object.keys(ALLOWED).filter(
    (prefix) => path === prefix || path.startsWith(`${prefix}/`),
  );
  const longest = prefixes.toSorted((left, right) => right.length - left.length)[0];
  return longest === undefined ? null : [longest, ALLOWED[longest] ?? []];
}

function isAllowed(target: string, prefix: string, allowed: readonly string[]): boolean {
  if (target === prefix || target.startsWith(`${prefix}/`)) return true;
  return allowed.some(
    (item) => target === item || target.startsWith(item.endsWith(':') ? item : `${item}/`),
  );
}

function findCycle(): string[] | null {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const state = new Map<string, 'open' | 'done'>();
  const trail: string[] = [];
  const visit = (path: string): string[] | null => {
    if (state.get(path) === 'done') return null;
    if (state.get(path) === 'open') return [...trail.slice(trail.indexOf(path)), path];
    state.set(path, 'open');
    trail.push(path);
    for (const target of byPath.get(path)?.valueImports ?? []) {
      const cycle = byPath.has(target) ? visit(target) : null;
      if (cycle !== null) return cycle;
    }
    trail.pop();
    state.set(path, 'done');
    return null;
  };
  for (const source of sources) {
    const cycle = visit(source.path);
    if (cycle !== null) return cycle;
  }
  return null;
}

describe('architecture', () => {
  it('reads the sources', () => {
    expect(sources.length).toBeGreaterThan(100);
    expect(sources.find((source) => source.path === 'gateway/pipeline.ts')?.imports).toContain(
      'gateway/dispatch.ts',
    );
  });

  it('lets each folder import only what the code map allows', () => {
    const broken = sources.flatMap((source) => {
      const rule = ruleFor(source.path);
      if (rule === null) return [];
      return source.imports
        .filter((target) => !isAllowed(target, ...rule))
        .map((target) => `${source.path} imports ${target}`);
    });
    expect(broken).toEqual([]);
  });

  it('lets no provider import another', () => {
    const broken = sources.flatMap((source) => {
      const own = /^providers\/([^/]+)\//.exec(source.path)?.[1];
      if (own === undefined) return [];
      return source.imports
        .filter(
          (target) =>
            // What stands beside the folders is for all of them.
            /^providers\/[^/]+\//.test(target) &&
            !target.startsWith(`providers/${own}/`) &&
            !target.startsWith('providers/openai-compatible/'),
        )
        .map((target) => `${source.path} imports ${target}`);
    });
    expect(broken).toEqual([]);
  });

  it('has no value import from server or cli outside them and the package door', () => {
    const broken = sources.filter(
      (source) =>
        !/^(?:(?:server|cli)\/|index\.ts$)/.test(source.path) &&
        source.imports.some((target) => /^(server|cli)\//.test(target)),
    );
    expect(broken.map((source) => source.path)).toEqual([]);
  });

  it('has no import cycle', () => {
    expect(findCycle()).toBeNull();
  });

  it('names a provider id only in its own folder (house rule 12)', () => {
    const ids = PROVIDERS.map((provider) => provider.id);
    const broken = sources
      .filter((source) => !/^(providers|simulators|catalog\/data)\//.test(source.path))
      .flatMap((source) =>
        ids
          .filter((id) => new RegExp(`(?:===|!==|case)\\s*['"\`]${id}['"\`]`).test(source.text))
          .map((id) => `${source.path}: ${id}`),
      );
    expect(broken).toEqual([]);
  });

  it('keeps clock, timers and randomness out of the core', () => {
    const pure = /^(metering\/core|routing|catalog|providers)\//;
    const broken = sources.filter(
      (source) =>
        pure.test(source.path) &&
        /\b(?:Date\.now|Math\.random|performance\.now|setTimeout|setInterval|process\.env)\b/.test(
          source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, ''),
        ),
    );
    expect(broken.map((source) => source.path)).toEqual([]);
  });

  it('says of every export of the contracts what it means', () => {
    const silent = sources
      .filter((source) => source.path.startsWith('contracts/'))
      .flatMap((source) => {
        const lines = source.text.split('\n');
        return lines.flatMap((line, at) =>
          /^export (?!\*|\{)/.test(line) && lines[at - 1]?.endsWith('*/') !== true
            ? [`${source.path}:${at + 1} ${line}`]
            : [],
        );
      });
    expect(silent).toEqual([]);
  });

  it('opens every module of the contracts at the package door', () => {
    const modules = sources
      .map((source) => source.path)
      .filter((path) => path.startsWith('contracts/') && path !== 'contracts/index.ts');
    const door = sources.find((source) => source.path === 'contracts/index.ts');
    expect(door?.imports.toSorted()).toEqual(modules.toSorted());
  });

  it('calls no global fetch in src', () => {
    const broken = sources.filter(
      (source) =>
        !/^(cli|client)\//.test(source.path) &&
        /(?<![.\w])fetch\(/.test(source.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
    );
    expect(broken.map((source) => source.path)).toEqual([]);
  });
});
