/**
 * The gateway's end of operations on the ledger.
 *
 * @module
 */
import type { LedgerOperations } from '../../metering/ledger-operations-port.ts';
import type { ReaderLink } from './reader-link.ts';

export function ledgerOperationsOver(readers: Pick<ReaderLink, 'ask'>): LedgerOperations {
  return {
    exportRange: (query) => readers.ask('ledgerExportRange', [query]),
    exportPage: (range) => readers.ask('ledgerExportPage', [range]),
  };
}
