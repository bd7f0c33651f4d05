/**
 * Writes the documentation page of the error codes.
 *
 * @module
 */
import { writeGenerated } from './write-generated.ts';

writeGenerated('scripts/build-error-docs.ts');
