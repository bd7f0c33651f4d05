/**
 * Writes the page of providers, their models and options.
 *
 * @module
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { providerDocs } from '../src/providers/provider-docs.ts';
import { isListed } from './price-book/priced-models.ts';

const PATH = 'docs/providers.md';

writeFileSync(join(import.meta.dirname, '..', PATH), providerDocs(isListed));
console.log(`wrote ${PATH}`);
