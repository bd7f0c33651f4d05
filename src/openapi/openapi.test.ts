import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../contracts/error-codes.ts';
import { ADMIN_ROUTES } from '../dialects/admin/routes/index.ts';
import { adminOpenApi } from '../dialects/admin/openapi.ts';
import { DATA_PLANE_ROUTES } from './data-plane.ts';
import { ERROR_CAUSES } from './error-causes.ts';
import { errorDocs } from './error-docs.ts';
import { GENERATED_FILES } from './generated-files.ts';
import { dataPlaneOpenApi } from './index.ts';

const ROOT = join(import.meta.dirname, '..', '..');

function referencesIn(value: unknown): readonly string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === '$ref' && typeof inner === 'string' ? [inner] : referencesIn(inner),
  );
}

function resolveReference(document: unknown, reference: string): unknown {
  let found: unknown = document;
  for (const step of reference.replace('#/', '').split('/')) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = Object.getOwnPropertyDescriptor(found, step.replaceAll('~1', '/'))?.value;
  }
  return found;
}

describe('generated files', () => {
  it.each(GENERATED_FILES)('$path is as the code has it ($script writes it)', ({ path, build }) => {
    const file = join(ROOT, path);
    expect(existsSync(file)).toBe(true);
    expect(readFileSync(file, 'utf8')).toBe(build());
  });
});

describe.each([
  ['control plane', adminOpenApi('1.0.0'), ADMIN_ROUTES.map((route) => route.description)],
  ['data plane', dataPlaneOpenApi(), DATA_PLANE_ROUTES],
])('document of the %s', (_name, document, routes) => {
  const text = JSON.stringify(document);

  it('is OpenAPI 3.1 with every route and no dangling reference', () => {
    expect(document.openapi).toMatch(/^3\.1\./);
    for (const { path, method } of routes) {
      expect(document.paths?.[path]?.[method]).toBeDefined();
    }
    const references = referencesIn(JSON.parse(text));
    expect(references.length).toBeGreaterThan(10);
    for (const reference of references) {
      expect(resolveReference(document, reference), reference).toBeDefined();
    }
  });

  it('has an operation id for each route, once', () => {
    const ids = routes.map((route) => route.operationId);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('has examples that its own schemas accept', () => {
    const examples = routes.flatMap(({ body }) => (body?.example === undefined ? [] : [body]));
    expect(examples.length).toBeGreaterThan(0);
    for (const { schema, example } of examples) expect(() => schema.parse(example)).not.toThrow();
  });

  it('states the errors of every guarded route', () => {
    for (const { path, method, access } of routes) {
      const statuses = Object.keys(document.paths?.[path]?.[method]?.responses ?? {});
      if (access !== 'public') expect(statuses).toEqual(expect.arrayContaining(['401', '403', '500']));
    }
  });

  it('describes every path parameter', () => {
    for (const { path, params } of routes) {
      const named = [...path.matchAll(/\{(\w+)\}/g)].map((match) => match[1]);
      expect(Object.keys(params?.shape ?? {})).toEqual(named);
    }
  });
});

describe('docs/errors.md', () => {
  it('has one anchor and one cause for each code', () => {
    const text = errorDocs();
    for (const code of Object.keys(ERROR_CODES)) {
      expect(text.split(`\n## ${code}\n`)).toHaveLength(2);
    }
    expect(Object.keys(ERROR_CAUSES).toSorted()).toEqual(Object.keys(ERROR_CODES).toSorted());
  });
});
