/**
 * Statements by their text, each prepared once.
 *
 * @module
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';

/**
 * Keeps the prepared statements of one connection, for texts of which there are few.
 *
 * @returns the prepared statement of a text
 */
export function statementCache(database: DatabaseSync): (statement: string) => StatementSync {
  const statements = new Map<string, StatementSync>();
  return (statement) => {
    const known = statements.get(statement);
    if (known !== undefined) return known;
    const prepared = database.prepare(statement);
    statements.set(statement, prepared);
    return prepared;
  };
}
