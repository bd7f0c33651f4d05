/**
 * Exit codes of the command line, as `--help` documents them.
 *
 * @module
 */

export const EXIT_CODES = {
  ok: 0,
  failure: 1,
  usage: 2,
  invalidConfig: 3,
  auth: 4,
  unreachable: 5,
  refused: 6,
  providerError: 7,
  interrupted: 130,
} as const;
