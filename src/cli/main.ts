#!/usr/bin/env node
/**
 * The command line.
 *
 * @module
 */
import { Command } from 'commander';
import { VERSION } from '../version.ts';
import { runStart, type StartFlags } from './start.ts';

const program = new Command('alwrity-gateway')
  .description(
    'Gateway for text, image, audio and video models that enforces subscriptions exactly.',
  )
  .version(VERSION, '-V, --version')
  .showHelpAfterError();

program
  .command('start', { isDefault: true })
  .description('Start the gateway')
  .option('--host <address>', 'address to listen on (127.0.0.1)')
  .option('--port <number>', 'port to listen on (8790); 0 takes any free one')
  .option('--data-dir <folder>', 'folder of the database and credentials (./data)')
  .option('--config <file>', 'configuration file (gateway.yaml where present)')
  .option('--workers <number>', 'processes that answer requests (1)')
  .option('--json', 'first line of standard output is {"event":"listening",…}')
  .action((flags: StartFlags) => runStart(flags));

await program.parseAsync();
