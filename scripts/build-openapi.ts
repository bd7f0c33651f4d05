/**
 * Writes the OpenAPI documents of both planes.
 *
 * @module
 */
import { writeGenerated } from './write-generated.ts';

writeGenerated('scripts/build-openapi.ts');
