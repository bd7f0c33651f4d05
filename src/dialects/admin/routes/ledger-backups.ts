/**
 * `POST /ledger/backups`: a copy of the ledger while it is served.
 *
 * @module
 */
import { z } from 'zod';
import { adminRoute, type AdminRoute } from '../admin-route.ts';

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
      const { file, bytes, events, openHolds, head } = await store.ledgerOperations.backup();
      return { file, bytes, events, open_holds: openHolds, head, note: CREDENTIALS_NOTE };
    },
  }),
];
