/**
 * Holds that ended by an estimate, until their provider has said what it billed.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { EstimatedHold } from '../../metering/ledger-operations-port.ts';
import { HoldHistory } from './hold-history.ts';
import { viewOf } from './hold-view.ts';
import type { QueryTable } from './reader-queries.ts';
import { integer, nullableText, text } from './subscriptions.ts';
import type { OperationTable } from './writer-operations.ts';

/** The writer's side: notes those that the policy ends. */
export class EstimatedHolds {
  readonly #put: StatementSync;

  constructor(database: DatabaseSync) {
    this.#put = database.prepare(
      'INSERT OR IGNORE INTO estimated_hold (hold_id, at, provider_request_id) VALUES (?, ?, ?)',
    );
  }

  /** In the transaction of the estimate. */
  note(holdId: string, providerRequestId: string | null, atMs: number): void {
    this.#put.run(holdId, atMs, providerRequestId);
  }
}

export function estimatedHoldOperations(database: DatabaseSync): OperationTable {
  const drop = database.prepare('DELETE FROM estimated_hold WHERE hold_id = ?');
  return {
    forgetEstimated: {
      writes: true,
      run([holdIds]) {
        for (const holdId of holdIds as readonly string[]) drop.run(holdId);
        return null;
      },
    },
  };
}

/** The reader's side: what they were stands in the journal. */
export function estimatedHoldQueries(database: DatabaseSync): QueryTable {
  return {
    estimatedHolds(): readonly EstimatedHold[] {
      const history = new HoldHistory(database);
      const rows = database.prepare('SELECT * FROM estimated_hold ORDER BY at').all();
      return rows.flatMap((row): EstimatedHold[] => {
        const story = history.story(text(row, 'hold_id'));
        if (story === null) return [];
        const providerRequestId = nullableText(row, 'provider_request_id');
        const { unknownSinceMs } = story;
        const hold = viewOf(story.hold, { unknownSinceMs, providerRequestId });
        return [{ hold, estimatedAtMs: integer(row, 'at') }];
      });
    },
  };
}
