/**
 * What is wrong with a configuration, all of it at once.
 *
 * @module
 */

export interface ConfigProblem {
  /** Dotted setting path, such as `limits.maxJsonDepth`; empty for the file as a whole. */
  readonly path: string;
  /** One sentence: what is wrong and what to write instead. Never holds the value of a secret. */
  readonly message: string;
  /** Where the value stands: `gateway.yaml:12`, `environment variable GATEWAY_PORT`, `flag --port`. */
  readonly origin: string | null;
}

function lineOf(problem: ConfigProblem): string {
  const where = problem.origin === null ? '' : ` (${problem.origin})`;
  return problem.path === ''
    ? `${problem.message}${where}`
    : `${problem.path}: ${problem.message}${where}`;
}

/**
 * Thrown when the configuration or the credentials cannot be used: a file that cannot be read or parsed, an
 * unknown key, a value of the wrong kind, an unset variable, a key that is too short. The CLI exits with 3.
 */
export class ConfigError extends Error {
  readonly problems: readonly ConfigProblem[];

  constructor(problems: readonly ConfigProblem[], options?: { readonly cause?: unknown }) {
    super(problems.map(lineOf).join('\n'), options);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** A {@link ConfigError} with one problem. */
export function configError(path: string, message: string, origin: string | null): ConfigError {
  return new ConfigError([{ path, message, origin }]);
}
