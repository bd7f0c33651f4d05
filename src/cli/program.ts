/**
 * The tree of commands.
 *
 * @module
 */
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { addExamples, type CommandScope } from './command-kit.ts';
import { registerAlerts } from './commands/alerts.ts';
import { registerAssets } from './commands/assets.ts';
import { registerCall } from './commands/call.ts';
import { registerConfig } from './commands/config.ts';
import { registerCustomers } from './commands/customers.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerKeys } from './commands/keys.ts';
import { registerLedger } from './commands/ledger.ts';
import { registerModels } from './commands/models.ts';
import { registerPlans } from './commands/plans.ts';
import { registerQuote } from './commands/quote.ts';
import { registerPrices } from './commands/prices.ts';
import { registerReconcile } from './commands/reconcile.ts';
import { registerJobs } from './commands/jobs.ts';
import { registerRequests } from './commands/requests.ts';
import { registerProvider } from './commands/provider.ts';
import { registerSimulate } from './commands/simulate.ts';
import { registerStart } from './commands/start.ts';
import { registerLimits, registerUsage } from './commands/usage.ts';
import { registerVersion } from './commands/version.ts';
import { registerSubscriptions } from './commands/subscriptions.ts';
import { registerWallet } from './commands/wallet.ts';
import { registerWebhooks } from './commands/webhooks.ts';

const HELP_WIDTH = 110;

const DESCRIPTION = `One API in front of every AI provider: subscriptions enforced before each call, every cost booked.

Commands talk to a running gateway: --url or GATEWAY_URL, else the one of the data folder. Keys come from
GATEWAY_ADMIN_KEY and GATEWAY_API_KEY, else from <data-dir>/credentials.json; never from the command line.`;

/** The program with every command; commander throws instead of ending the process. */
export function createProgram(scope: CommandScope): Command {
  const { stdout } = scope.context;
  const program = new Command('alwrity-gateway')
    .description(DESCRIPTION)
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show this')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void stdout.write(text),
      getOutHelpWidth: () => HELP_WIDTH,
      // Printed by the caller, in the manner of all other errors.
      writeErr: () => {},
      outputError: () => {},
    })
    .configureHelp({ sortOptions: false });
  addExamples(program, scope, [
    ['', 'starts the gateway on http://127.0.0.1:8790'],
    ['call chat "Hello"', 'one request'],
    ['keys show default', 'the API key made at the first start'],
    ['plans apply plans.yaml', 'sell these plans'],
    ['doctor', 'says what is wrong, and the command that fixes it'],
  ]);
  program.commandsGroup('Run:');
  registerStart(program, scope);
  registerSimulate(program, scope);
  registerDoctor(program, scope);
  registerConfig(program, scope);
  registerVersion(program, scope);
  program.commandsGroup('Sell and serve:');
  registerPlans(program, scope);
  registerCustomers(program, scope);
  registerSubscriptions(program, scope);
  registerWallet(program, scope);
  registerKeys(program, scope);
  registerModels(program, scope);
  registerPrices(program, scope);
  registerCall(program, scope);
  registerQuote(program, scope);
  program.commandsGroup('Look into:');
  registerUsage(program, scope);
  registerLimits(program, scope);
  registerJobs(program, scope);
  registerAssets(program, scope);
  registerRequests(program, scope);
  registerLedger(program, scope);
  registerAlerts(program, scope);
  registerWebhooks(program, scope);
  registerReconcile(program, scope);
  program.commandsGroup('Work on the gateway:');
  registerProvider(program, scope);
  return program;
}
