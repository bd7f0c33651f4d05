/**
 * Writes the configuration's JSON Schema and its documentation page.
 *
 * @module
 */
import { writeGenerated } from './write-generated.ts';

writeGenerated('scripts/build-config-docs.ts');
