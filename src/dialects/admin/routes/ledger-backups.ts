/**
 * Copies of the ledger: `POST /ledger/backups` while it is served, `POST /ledger/archives` of closed periods.
 *
 * @module
 */
import { z } from 'zod';
import { adminRoute, type AdminRoute } from '../admin-route.ts';
import { instantSchema, parseInstant } from '../shapes.ts';

const backupSchema = z
  .strictObject({
    file: z.string().describe('On the machine of the gateway, in its data folder.'),
    bytes: z.int(),
    events: z.int(),
    open_holds: z.int(),
    head: z.string().describe('Newest hash of the chain in the copy.'),
    note: z.string(),
  })
  .meta({ id: 'LedgerBackup' });

/** What a backup of the database alone does not bring back. */
export const CREDENTIALS_NOTE =
  'credentials.json is not in it: keep a copy of that file apart, or kept replies and secrets cannot be read after a restore.';

const archiveSchema = z
  .strictObject({
    from_seq: z.int(),
    before_seq: z.int().describe('The first event that stays.'),
    events: z.int(),
    bound_by: z
      .enum(['date', 'age', 'open_period', 'open_hold'])
      .describe('What kept more from going.'),
    file: z.string().nullable().describe('Below the data folder; null when none was written.'),
    sha256: z.string().nullable(),
  })
  .meta({ id: 'LedgerArchive' });

export const ledgerBackupRoutes: readonly AdminRoute[] = [
  adminRoute({
    method: 'post',
    path: '/ledger/backups',
    operationId: 'backupLedger',
    summary: 'Back the ledger up while it is served',
    description:
      'Writes a consistent copy of the database into `backups/` of the data folder and verifies it. Every booking answered before the call is in it. `alwrity-gateway ledger restore` brings it back.',
    tag: 'ledger',
    status: 201,
    body: z.strictObject({}),
    bodyRequired: false,
    reply: backupSchema,
    errors: ['metering_unavailable'],
    async handle(_input, { store }) {
      await store.audit.mark();
      const { file, bytes, events, openHolds, head } = await store.ledgerOperations.backup();
      return { file, bytes, events, open_holds: openHolds, head, note: CREDENTIALS_NOTE };
    },
  }),
  adminRoute({
    method: 'post',
    path: '/ledger/archives',
    operationId: 'archiveLedger',
    summary: 'Move events of closed periods into a file',
    description:
      'A checkpoint stands for them from then on, and they are dropped in the background. Nothing younger than a week, of a running period, or after the oldest open hold goes.',
    tag: 'ledger',
    body: z.strictObject({ before: instantSchema, dry_run: z.boolean().optional() }),
    example: { before: '2026-11-01', dry_run: true },
    reply: archiveSchema,
    errors: ['conflict', 'metering_unavailable'],
    async handle({ body }, { store }) {
      const { fromSeq, beforeSeq, events, boundBy, written } = await store.ledgerOperations.archive(
        {
          beforeMs: parseInstant(body.before, 'before'),
          dryRun: body.dry_run ?? false,
        },
      );
      return {
        from_seq: fromSeq,
        before_seq: beforeSeq,
        events,
        bound_by: boundBy,
        file: written?.file ?? null,
        sha256: written?.sha256 ?? null,
      };
    },
  }),
];
