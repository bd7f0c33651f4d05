/**
 * Voices: what the writer is asked to change, what the reader is asked for, and the gateway's end of both.
 *
 * @module
 */
import type { DatabaseSync } from 'node:sqlite';
import type {
  MadeVoice,
  NewVoice,
  VoiceQuery,
  VoiceRecord,
  VoiceRecords,
} from '../../metering/voice-port.ts';
import { numberCursor, pageOf, pageSize } from './paging.ts';
import type { ReaderLink } from './reader-link.ts';
import type { QueryTable } from './reader-queries.ts';
import { statementCache } from './statement-cache.ts';
import { integer, nullableInteger, nullableText, type SqlRow, text } from './subscriptions.ts';
import { type FlatValue, putCall } from './wire.ts';
import type { WriterLink } from './writer-link.ts';
import type { OperationParts, OperationTable } from './writer-operations.ts';

function readVoice(row: SqlRow): VoiceRecord {
  const voiceId = nullableText(row, 'voice_id');
  return {
    id: text(row, 'id'),
    customerId: text(row, 'customer_id'),
    name: text(row, 'name'),
    description: nullableText(row, 'description'),
    requestId: text(row, 'request_id'),
    consent: {
      by: text(row, 'consent_by'),
      statement: nullableText(row, 'consent_statement'),
      atMs: integer(row, 'consent_at'),
      keyId: text(row, 'consent_key_id'),
      samples: text(row, 'consent_samples').split(' '),
    },
    made:
      voiceId === null
        ? null
        : { provider: text(row, 'provider'), model: text(row, 'model'), voiceId },
    removedAtMs: nullableInteger(row, 'removed_at'),
  };
}

export function voiceOperations({ database }: Pick<OperationParts, 'database'>): OperationTable {
  const sql = statementCache(database);
  return {
    addVoice: {
      writes: true,
      run([argument]) {
        const { id, customerId, name, description, requestId, consent } = argument as NewVoice;
        sql(
          `INSERT INTO voice (id, customer_id, name, description, request_id,
             consent_by, consent_statement, consent_at, consent_key_id, consent_samples)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        ).run(
          id,
          customerId,
          name,
          description,
          requestId,
          consent.by,
          consent.statement,
          consent.atMs,
          consent.keyId,
          consent.samples.join(' '),
        );
        return null;
      },
    },
    voiceMade: {
      writes: true,
      run([id, argument]) {
        const { provider, model, voiceId } = argument as MadeVoice;
        sql('UPDATE voice SET provider = ?, model = ?, voice_id = ? WHERE id = ?').run(
          provider,
          model,
          voiceId,
          id as string,
        );
        return null;
      },
    },
    removeVoice: {
      writes: true,
      run: ([id, atMs]) =>
        sql(
          `UPDATE voice SET removed_at = ?
           WHERE id = ? AND removed_at IS NULL AND voice_id IS NOT NULL`,
        ).run(atMs as number, id as string).changes > 0,
    },
  };
}

export function voiceQueries(database: DatabaseSync): QueryTable {
  const sql = statementCache(database);
  return {
    voice([id]) {
      const row = sql('SELECT * FROM voice WHERE id = ?').get(id as string);
      return row === undefined ? null : readVoice(row);
    },
    voices([argument]) {
      const query = argument as VoiceQuery;
      const limit = pageSize(query);
      const rows = sql(
        `SELECT * FROM voice
         WHERE customer_id = ? AND voice_id IS NOT NULL AND removed_at IS NULL AND seq < ?
         ORDER BY seq DESC LIMIT ?`,
      ).all(query.customerId, numberCursor(query.cursor, Number.MAX_SAFE_INTEGER), limit + 1);
      return pageOf(rows, limit, { read: readVoice, cursor: (row) => String(integer(row, 'seq')) });
    },
    voicesKnownAs: ([ids]) =>
      sql('SELECT * FROM voice WHERE voice_id IN (SELECT value FROM json_each(?))')
        .all(JSON.stringify(ids))
        .map(readVoice),
  };
}

export function voicesOver(
  link: Pick<WriterLink, 'ask'>,
  readers: Pick<ReaderLink, 'ask'>,
): VoiceRecords {
  const write = <Value>(name: string, ...args: readonly FlatValue[]): Promise<Value> =>
    link.ask((flat, call) => {
      putCall(flat, call, { name, args });
    });
  return {
    async add(voice) {
      await write('addVoice', voice);
    },
    async made(id, made) {
      await write('voiceMade', id, made);
    },
    voice: (id) => readers.ask('voice', [id]),
    list: (query) => readers.ask('voices', [query]),
    knownAs: (ids) => readers.ask('voicesKnownAs', [ids]),
    remove: (id, atMs) => write('removeVoice', id, atMs),
  };
}
