/**
 * Which models of the providers' tables the price book knows.
 *
 * @module
 */
import { createPriceBook, seedPriceRows } from '../../src/catalog/index.ts';
import type { IsPriced } from '../../src/providers/provider-docs.ts';

const book = createPriceBook(seedPriceRows());

/** Whether the book lists the model, or any of a family (`…*`). */
export const isListed: IsPriced = ({ id: provider, priceBookId = provider }, id) => {
  if (!id.endsWith('*')) return book.canonicalModel(priceBookId, id) !== null;
  const start = id.slice(0, -1);
  return book.models(priceBookId).some((model) => model.startsWith(start));
};
