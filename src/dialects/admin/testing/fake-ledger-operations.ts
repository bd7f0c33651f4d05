/**
 * Operations on a ledger that has no events.
 *
 * @module
 */
import { GatewayError } from '../../../contracts/gateway-error.ts';
import type { ChainReport, LedgerOperations } from '../../../metering/ledger-operations-port.ts';

const NO_HASH = '0'.repeat(64);

export const NO_CHAIN: ChainReport = {
  after_seq: 0,
  last_seq: 0,
  links: 0,
  head: NO_HASH,
  broken: null,
};

export function fakeLedgerOperations(): LedgerOperations {
  return {
    backup: async () => ({ file: 'ledger.db', bytes: 0, events: 0, openHolds: 0, head: NO_HASH }),
    archive: async () => ({
      fromSeq: 1,
      beforeSeq: 1,
      events: 0,
      boundBy: 'date',
      written: null,
    }),
    openHolds: async () => [],
    endUnknown: async ({ holdId }) => {
      throw new GatewayError('not_found', { message: `No hold ${holdId} is open.` });
    },
    markUnknown: async () => [],
    estimatedHolds: async () => [],
    forgetEstimated: async () => undefined,
    exportRange: async () => ({ fromSeq: 1, toSeq: 0, previousHash: NO_HASH }),
    exportPage: async () => ({ text: '', nextSeq: null, head: NO_HASH }),
  };
}
