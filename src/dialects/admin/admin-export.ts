/**
 * A route of the control plane that answers with a file, sent while it is made.
 *
 * @module
 */
import { z } from 'zod';
import type { RouteDescription } from '../../openapi/route-description.ts';
import { ADMIN_PREFIX, type AdminRoute, parsePart } from './admin-route.ts';
import type { AdminDependencies } from './dependencies.ts';
import { type ExportTable, formatShape, StreamedReply } from './export/export-table.ts';

interface AdminExportSpec<Shape extends z.ZodRawShape> {
  /** Below `/admin/v1`. */
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description: string;
  readonly tag: string;
  /** Without `format`, which every export has. */
  readonly query: z.ZodObject<Shape, z.core.$strict>;
  readonly table: (
    query: z.output<z.ZodObject<Shape, z.core.$strict>>,
    dependencies: AdminDependencies,
  ) => Promise<ExportTable>;
}

/** How OpenAPI describes the file. */
export const EXPORT_REPLY: RouteDescription['reply'] = {
  status: 200,
  description: 'The file. A transfer that breaks off is incomplete.',
  content: {
    'text/csv': { schema: z.string() },
    'application/x-ndjson': { schema: z.string() },
  },
};

const formatOnly = z.object(formatShape);

/** Binds a specification to its schemas. */
export function adminExport<Shape extends z.ZodRawShape>(spec: AdminExportSpec<Shape>): AdminRoute {
  const { path, operationId, summary, description, tag } = spec;
  return {
    description: {
      method: 'get',
      path: `${ADMIN_PREFIX}${path}`,
      operationId,
      summary,
      description,
      tag,
      access: 'admin',
      query: spec.query.extend(formatShape),
      reply: EXPORT_REPLY,
      errors: ['not_found', 'invalid_request'],
    },
    async run(input, dependencies) {
      const { format: _format, ...rest } = input.query;
      const { format } = parsePart(formatOnly, input.query, 'query parameter');
      const query = parsePart(spec.query, rest, 'query parameter');
      return StreamedReply.begin(await spec.table(query, dependencies), format ?? 'csv');
    },
  };
}
