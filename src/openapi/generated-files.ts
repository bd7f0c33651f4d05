/**
 * The checked-in files that are generated from code, and their present contents. Scripts write them, a test
 * compares.
 *
 * @module
 */
import { configDocs } from '../config/config-docs.ts';
import { configJsonSchema } from '../config/json-schema.ts';
import { adminOpenApi } from '../dialects/admin/openapi.ts';
import { VERSION } from '../version.ts';
import { errorDocs } from './error-docs.ts';
import { dataPlaneOpenApi } from './index.ts';

/** A generated file: path below the repository's root, contents, and the script that writes it. */
export interface GeneratedFile {
  readonly path: string;
  readonly script: string;
  readonly build: () => string;
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

export const GENERATED_FILES: readonly GeneratedFile[] = [
  {
    path: 'openapi/admin.json',
    script: 'scripts/build-openapi.ts',
    build: () => jsonText(adminOpenApi(VERSION)),
  },
  {
    path: 'openapi/gateway.json',
    script: 'scripts/build-openapi.ts',
    build: () => jsonText(dataPlaneOpenApi()),
  },
  {
    path: 'openapi/gateway.schema.json',
    script: 'scripts/build-config-docs.ts',
    build: () => jsonText(configJsonSchema()),
  },
  { path: 'docs/config.md', script: 'scripts/build-config-docs.ts', build: configDocs },
  { path: 'docs/errors.md', script: 'scripts/build-error-docs.ts', build: errorDocs },
];
