/**
 * `alwrity-gateway keys …`.
 *
 * @module
 */
import type { Command } from 'commander';
import { CliError, usageError } from '../cli-error.ts';
import { parseReply } from '../client.ts';
import { findDataDir, type ConnectionFlags } from '../connection.ts';
import {
  addClientOptions,
  addExamples,
  addLimitOption,
  collect,
  openSession,
  showList,
  showOne,
  type CommandScope,
  type CommonFlags,
  type Session,
} from '../command-kit.ts';
import { overlapSeconds } from '../durations.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { formatInstant } from '../format.ts';
import { Output, type Colors } from '../output.ts';
import { keyReply, newKeyReply, type KeyReply } from '../replies.ts';
import { credentialsPath, readStoredCredentials } from '../stored-credentials.ts';
import { renderPairs } from '../table.ts';

const BOOTSTRAP = {
  default: { kind: 'apiKey', variable: 'GATEWAY_API_KEY' },
  admin: { kind: 'adminKey', variable: 'GATEWAY_ADMIN_KEY' },
} as const;

type BootstrapName = keyof typeof BOOTSTRAP;

function isBootstrapName(name: string): name is BootstrapName {
  return Object.hasOwn(BOOTSTRAP, name);
}

function ownerOf(key: KeyReply): string {
  return key.customer ?? key.default_customer ?? '';
}

function keyPairs(key: KeyReply, colors: Colors, secret: string | null = null): string {
  return renderPairs(
    [
      ['key', secret],
      ['id', key.id],
      ['name', key.name],
      ['type', key.type],
      ['customer', key.customer],
      ['default customer', key.default_customer],
      ['status', key.status],
      ['begins … ends', `${key.prefix} … ${key.last4}`],
      ...Object.entries(key.scopes ?? {}).map(
        ([scope, values]) => [`may use ${scope}`, values.join(', ')] as const,
      ),
      ['created', `${formatInstant(key.created_at)} UTC`],
      ['expires', key.expires_at === null ? null : `${formatInstant(key.expires_at)} UTC`],
      ['revoked', key.revoked_at === null ? null : `${formatInstant(key.revoked_at)} UTC`],
    ],
    colors,
  );
}

function printSecret(output: Output, body: Readonly<Record<string, unknown>>): void {
  const made = parseReply(newKeyReply, body);
  output.data(body, () => (output.quiet ? made.key : keyPairs(made, output.colors, made.key)));
  output.message('Store the key now: it is shown this once and kept only as a hash.');
}

/** The bootstrap key of that name: from the environment, else from the data folder. */
function bootstrapKey(scope: CommandScope, flags: ConnectionFlags, name: BootstrapName): string {
  const { kind, variable } = BOOTSTRAP[name];
  const given = scope.context.environment[variable];
  if (given !== undefined && given !== '') return given;
  const dataDir = findDataDir(scope.context, flags);
  const key = readStoredCredentials(dataDir)?.[kind] ?? null;
  if (key !== null) return key;
  throw new CliError(`There is no ${name} key: ${credentialsPath(dataDir)} has none.`, {
    exitCode: EXIT_CODES.auth,
    code: 'no_key',
    fixes: [
      `${scope.context.invocation} start    (makes the keys in its data folder)`,
      'or name the folder of the running gateway with --data-dir',
    ],
  });
}

interface CreateFlags extends CommonFlags {
  readonly type?: string;
  readonly customer?: string;
  readonly defaultCustomer?: string;
  readonly model?: readonly string[];
  readonly operation?: readonly string[];
  readonly ip?: readonly string[];
  readonly expires?: string;
}

function newKeyBody(name: string, flags: CreateFlags): Readonly<Record<string, unknown>> {
  const scopes = {
    ...(flags.model === undefined ? {} : { models: flags.model }),
    ...(flags.operation === undefined ? {} : { operations: flags.operation }),
    ...(flags.ip === undefined ? {} : { ips: flags.ip }),
  };
  return {
    name,
    ...(flags.type === undefined ? {} : { type: flags.type }),
    ...(flags.customer === undefined ? {} : { customer: flags.customer }),
    ...(flags.defaultCustomer === undefined ? {} : { default_customer: flags.defaultCustomer }),
    ...(flags.expires === undefined ? {} : { expires_at: flags.expires }),
    ...(Object.keys(scopes).length === 0 ? {} : { scopes }),
  };
}

function registerCreate(keys: Command, scope: CommandScope): void {
  const create = keys
    .command('create <name>')
    .description('make a key; it is shown this once')
    .option('--customer <id>', 'customer that the key acts as (cus_… or your own id)')
    .option('--type <type>', 'customer (default), service or admin')
    .option('--default-customer <id>', 'customer of calls of a service key that name none')
    .option('--model <glob>', 'only these models; may be repeated', collect)
    .option('--operation <glob>', 'only these operations, such as text.*; may be repeated', collect)
    .option('--ip <address>', 'only from these addresses; may be repeated', collect)
    .option('--expires <time>', 'such as 2026-12-31 or 2026-12-31T12:00:00Z')
    .action(async (name: string, flags: CreateFlags) => {
      const type = flags.type ?? 'customer';
      if (type === 'customer' && flags.customer === undefined) {
        throw usageError('A customer key acts as its customer: name it with --customer <id>.', [
          `${scope.context.invocation} customers list`,
        ]);
      }
      const { client, output } = openSession(scope, flags);
      printSecret(output, await client.admin('POST', '/keys', { body: newKeyBody(name, flags) }));
    });
  addExamples(addClientOptions(create), scope, [
    ['keys create laptop --customer user-1', 'a key that acts as user-1'],
    ['keys create back-end --type service', 'names the customer of each call'],
    ['keys create ci --customer user-1 --model "sim/*" --quiet', 'prints the key alone'],
  ]);
}

function registerRead(keys: Command, scope: CommandScope): void {
  const list = addLimitOption(keys.command('list'))
    .description('list keys')
    .option('--customer <id>', 'of this customer only')
    .action(async (flags: CommonFlags & { limit: number; customer?: string }) => {
      const request = { path: '/keys', limit: flags.limit, query: { customer: flags.customer } };
      await showList(openSession(scope, flags), request, {
        schema: keyReply,
        empty: `No keys. Make one: ${scope.context.invocation} keys create <name> --customer <id>`,
        columns: [
          { title: 'id', value: (key) => key.id },
          { title: 'type', value: (key) => key.type },
          { title: 'name', value: (key) => key.name },
          { title: 'key', value: (key) => `${key.prefix}…${key.last4}` },
          { title: 'customer', value: ownerOf },
          { title: 'status', value: (key) => key.status },
          { title: 'expires (UTC)', value: (key) => formatInstant(key.expires_at) },
        ],
      });
    });
  addExamples(addClientOptions(list), scope, [
    ['keys list', ''],
    ['keys list --customer user-1 --json', ''],
  ]);

  const show = keys
    .command('show <id>')
    .description('show a key: default and admin in full, others without their secret')
    .action(async (id: string, flags: CommonFlags) => {
      if (isBootstrapName(id)) {
        const key = bootstrapKey(scope, flags, id);
        new Output(scope.context, flags).data({ name: id, key }, () => key);
        return;
      }
      await showOne(openSession(scope, flags), `/keys/${encodeURIComponent(id)}`, {
        schema: keyReply,
        text: keyPairs,
      });
    });
  addExamples(addClientOptions(show), scope, [
    ['keys show default', 'the API key that acts as customer default'],
    ['keys show admin', 'the key of the control plane'],
    ['keys show key_…', 'any other, without its secret'],
  ]);
}

/** Names under which a start makes its own keys known. */
const BOOTSTRAP_MEMBERS: Readonly<Record<string, string>> = {
  'bootstrap service': 'api_key',
  'bootstrap admin': 'admin_key',
};

/**
 * The keys of `credentials.json` are replaced there: a start insists on them, and a revoked one would keep the
 * gateway from starting.
 */
async function assertReplaceable(session: Session, id: string, scope: CommandScope): Promise<void> {
  const path = `/keys/${encodeURIComponent(id)}`;
  const key = parseReply(keyReply, await session.client.admin('GET', path));
  const member = BOOTSTRAP_MEMBERS[key.name];
  if (member === undefined || key.status !== 'active') return;
  throw new CliError(`${id} is the gateway's own key (${key.name}), with which it starts.`, {
    code: 'bootstrap_key',
    fixes: [
      `remove "${member}" from credentials.json in the data folder (or change its variable), then ${scope.context.invocation} start: a new key is made and this one ends`,
    ],
  });
}

function registerChange(keys: Command, scope: CommandScope): void {
  const rotate = keys
    .command('rotate <id>')
    .description('replace a key by a new one with the same owner, scopes and expiry')
    .option('--overlap <duration>', 'how long the old key serves on, such as 1h (0s)')
    .action(async (id: string, flags: CommonFlags & { overlap?: string }) => {
      const body = flags.overlap === undefined ? {} : { overlap_s: overlapSeconds(flags.overlap) };
      const session = openSession(scope, flags);
      const { client, output } = session;
      await assertReplaceable(session, id, scope);
      const path = `/keys/${encodeURIComponent(id)}/rotate`;
      printSecret(output, await client.admin('POST', path, { body }));
    });
  addExamples(addClientOptions(rotate), scope, [
    ['keys rotate key_… --overlap 1h', 'the old key serves on for an hour'],
  ]);

  const revoke = keys
    .command('revoke <id>')
    .description('end a key at once; it cannot be brought back')
    .action(async (id: string, flags: CommonFlags) => {
      const session = openSession(scope, flags);
      const { client, output } = session;
      await assertReplaceable(session, id, scope);
      const body = await client.admin('POST', `/keys/${encodeURIComponent(id)}/revoke`, {
        body: {},
      });
      output.data(body, () => keyPairs(parseReply(keyReply, body), output.colors));
    });
  addExamples(addClientOptions(revoke), scope, [['keys revoke key_…', '']]);
}

export function registerKeys(program: Command, scope: CommandScope): void {
  const keys = program
    .command('keys')
    .alias('key')
    .description('API keys: create, list, show, rotate, revoke');
  addExamples(keys, scope, [
    ['keys show default', 'the key made at the first start'],
    ['keys create laptop --customer user-1', 'a key that acts as user-1'],
  ]);
  registerCreate(keys, scope);
  registerRead(keys, scope);
  registerChange(keys, scope);
}
