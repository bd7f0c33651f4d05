/**
 * References inside values of the file: `${NAME}`, `${NAME:-default}`, `${file:/run/secrets/x}`, and `$${`
 * for a literal `${`.
 *
 * @module
 */

/** What references are resolved against. */
export interface ReferenceSources {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /**
   * Text of a file named by a reference.
   *
   * @throws Error with a message that may be shown
   */
  readonly readFile: (path: string) => string;
}

/** A reference that cannot be resolved; the message names it and says what to do. */
export interface Unresolved {
  readonly type: 'unresolved';
  readonly message: string;
}

export interface Resolved {
  readonly type: 'resolved';
  readonly text: string;
}

const REFERENCE_PATTERN = /\$\$\{|\$\{([^}]*)\}?/g;
const NAME_PATTERN = /^([A-Za-z_][A-Za-z0-9_]*)(?::-([\s\S]*))?$/;

function resolveOne(reference: string, sources: ReferenceSources): Resolved | Unresolved {
  if (reference.startsWith('file:')) {
    const path = reference.slice('file:'.length);
    try {
      // Editors and `echo` end a file with a line break that is no part of the secret.
      return { type: 'resolved', text: sources.readFile(path).replace(/\r?\n$/, '') };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { type: 'unresolved', message: `cannot read the file ${path}: ${reason}` };
    }
  }
  const match = NAME_PATTERN.exec(reference);
  if (match === null) {
    return {
      type: 'unresolved',
      message: `\${${reference}} is no reference; write \${NAME}, \${NAME:-default}, \${file:/path}, or $\${ for a literal \${`,
    };
  }
  const [, name = '', fallback] = match;
  const value = sources.environment[name];
  if (fallback !== undefined) {
    return { type: 'resolved', text: value === undefined || value === '' ? fallback : value };
  }
  if (value !== undefined) return { type: 'resolved', text: value };
  return {
    type: 'unresolved',
    message: `environment variable ${name} is not set; set it or write \${${name}:-default}`,
  };
}

/** Replaces all references of one value; what a reference yields is not searched again. */
export function interpolate(text: string, sources: ReferenceSources): Resolved | Unresolved {
  let problem: Unresolved | null = null;
  const replaced = text.replaceAll(REFERENCE_PATTERN, (whole, reference: string | undefined) => {
    if (whole === '$${') return '${';
    if (!whole.endsWith('}')) {
      problem ??= { type: 'unresolved', message: `"\${" has no closing "}"` };
      return '';
    }
    const result = resolveOne(reference ?? '', sources);
    if (result.type === 'resolved') return result.text;
    problem ??= result;
    return '';
  });
  return problem ?? { type: 'resolved', text: replaced };
}
