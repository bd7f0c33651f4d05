/**
 * Keeps what the gateway prices by, so that any booked cost can be explained later.
 *
 * @module
 */
import type { PriceBook } from '../catalog/price-book.ts';
import type { PriceArchive } from '../metering/price-port.ts';

/** States the book in force, before the first call is priced by it; nothing is written when it was before. */
export async function archivePrices(archive: PriceArchive, book: PriceBook): Promise<void> {
  const [newest] = await archive.books();
  if (newest?.id === book.id) return;
  await archive.putBook({
    id: book.id,
    prices: book.items.map((item) => ({ id: item.id, row: JSON.stringify(item.row) })),
  });
}
