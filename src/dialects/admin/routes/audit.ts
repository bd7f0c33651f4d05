/**
 * Who changed what.
 *
 * @module
 */
import { z } from 'zod';
import type { AuditRecord } from '../../../metering/audit-port.ts';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import {
  formatTime,
  instantSchema,
  listSchema,
  pageOf,
  pageQuery,
  parseInstant,
  timeSchema,
} from '../shapes.ts';

const auditSchema = z
  .strictObject({
    id: z.string().describe('Counts up.'),
    at: timeSchema,
    key: z.string().describe('`key_…` of the admin key.'),
    action: z.string().describe('`operationId` of the route.'),
    target: z.string().describe('Path of the request.'),
    request_id: z.string(),
    details: z
      .record(z.string(), z.unknown())
      .describe('What was sent; secrets and addresses stand as `[redacted]`.'),
  })
  .meta({ id: 'AuditEntry' });

function showRecord(record: AuditRecord): z.input<typeof auditSchema> {
  return {
    id: String(record.seq),
    at: formatTime(record.atMs),
    key: record.keyId,
    action: record.action,
    target: record.target,
    request_id: record.requestId,
    details: JSON.parse(record.body) as Record<string, unknown>,
  };
}

/** `GET /audit`. */
export const auditRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'get',
    path: '/audit',
    operationId: 'listAudit',
    summary: 'List changes by the control plane, newest first',
    description:
      'Every request that changed anything has one row, written in the transaction of its change; what was refused has none.',
    tag: 'process',
    query: z.strictObject({
      ...pageQuery,
      key: z.string().min(1).max(200).optional().describe('`key_…` of who made them.'),
      action: z.string().min(1).max(100).optional().describe('Such as `createPlan`.'),
      from: instantSchema.optional(),
      to: instantSchema.optional(),
    }),
    reply: listSchema(auditSchema),
    async handle({ query }, { store }) {
      const { key = null, action = null, from, to } = query;
      const page = await store.audit.list({
        ...pageOf(query),
        keyId: key,
        action,
        fromMs: from === undefined ? null : parseInstant(from, 'from'),
        toMs: to === undefined ? null : parseInstant(to, 'to'),
      });
      return { data: page.data.map(showRecord), next_cursor: page.nextCursor };
    },
  }),
];
