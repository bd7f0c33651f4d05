/**
 * Width and height of a picture by its header: PNG (RFC 2083 §11.2.2) and JPEG (ITU T.81 B.2.2), which is what clients of
 * simulated servers send.
 *
 * @module
 */

export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

/** Markers of JPEG frames: all SOFn but DHT, JPG and DAC, which lie among them. */
function isFrame(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function jpegSize(bytes: Buffer): PictureSize | null {
  for (let at = 2; at + 9 < bytes.length;) {
    if (bytes.readUInt8(at) !== 0xff) return null;
    const marker = bytes.readUInt8(at + 1);
    if (isFrame(marker)) {
      return { height: bytes.readUInt16BE(at + 5), width: bytes.readUInt16BE(at + 7) };
    }
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return null;
}

/** Null for any other form, and for what is broken. */
export function pictureSize(bytes: Buffer): PictureSize | null {
  if (bytes.length >= 24 && bytes.toString('latin1', 1, 4) === 'PNG') {
    return { width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
  }
  return bytes.length > 12 && bytes.readUInt16BE(0) === 0xffd8 ? jpegSize(bytes) : null;
}
