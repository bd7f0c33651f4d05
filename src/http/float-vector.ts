/**
 * Vectors as OpenAI's clients ask for them: base64 of 32-bit little-endian floats
 * (https://platform.openai.com/docs/api-reference/embeddings/create#embeddings-create-encoding_format).
 *
 * @module
 */

const BYTES_PER_FLOAT = 4;

export function encodeFloats(numbers: readonly number[]): string {
  const bytes = Buffer.alloc(numbers.length * BYTES_PER_FLOAT);
  numbers.forEach((number, index) => bytes.writeFloatLE(number, index * BYTES_PER_FLOAT));
  return bytes.toString('base64');
}

/** Null for text that holds no whole number of floats. */
export function decodeFloats(text: string): readonly number[] | null {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length % BYTES_PER_FLOAT !== 0) return null;
  return Array.from({ length: bytes.length / BYTES_PER_FLOAT }, (_, index) =>
    bytes.readFloatLE(index * BYTES_PER_FLOAT),
  );
}
