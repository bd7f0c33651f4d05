/**
 * Says in a picture by whom it was generated: XMP (ISO 16684-1) with IPTC's digital source type
 * (https://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia), as a chunk of PNG (PNG specification, section
 * 11.3.3.2) or a segment of JPEG (XMP specification, part 3).
 *
 * A picture that has XMP, or Content Credentials (C2PA), is left as it is, byte for byte: theirs say more, and a signature
 * over the file would break.
 *
 * @module
 */
import { crc32 } from 'node:zlib';

const PNG_SIGNATURE_BYTES = 8;
const XMP_KEYWORD = 'XML:com.adobe.xmp';
const JPEG_XMP = 'http://ns.adobe.com/xap/1.0/\u0000';

function escaped(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

function packet(generatedBy: string): string {
  return [
    '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>',
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">',
    '<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"',
    ` xmp:CreatorTool="${escaped(generatedBy)}"`,
    ' Iptc4xmpExt:DigitalSourceType="http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"/>',
    '</rdf:RDF></x:xmpmeta><?xpacket end="r"?>',
  ].join('');
}

function pngChunk(type: string, data: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(8);
  frame.writeUInt32BE(data.length, 0);
  frame.writeUInt32BE(crc32(typed), 4);
  return Buffer.concat([frame.subarray(0, 4), typed, frame.subarray(4)]);
}

/** After the header, which comes first. */
function intoPng(bytes: Buffer, generatedBy: string): Buffer {
  const headerEnd = PNG_SIGNATURE_BYTES + 12 + bytes.readUInt32BE(PNG_SIGNATURE_BYTES);
  const text = Buffer.concat([
    Buffer.from(`${XMP_KEYWORD}\u0000\u0000\u0000\u0000\u0000`, 'latin1'),
    Buffer.from(packet(generatedBy), 'utf8'),
  ]);
  return Buffer.concat([
    bytes.subarray(0, headerEnd),
    pngChunk('iTXt', text),
    bytes.subarray(headerEnd),
  ]);
}

/** After the start of the image, and after JFIF's segment, which comes first. */
function intoJpeg(bytes: Buffer, generatedBy: string): Buffer {
  const hasJfif = bytes.readUInt16BE(2) === 0xffe0;
  const at = hasJfif ? 4 + bytes.readUInt16BE(4) : 2;
  const data = Buffer.from(JPEG_XMP + packet(generatedBy), 'utf8');
  const head = Buffer.from([0xff, 0xe1, 0, 0]);
  head.writeUInt16BE(data.length + 2, 2);
  return Buffer.concat([bytes.subarray(0, at), head, data, bytes.subarray(at)]);
}

/** Marks of metadata that speaks for itself: C2PA's boxes (PNG chunk `caBX`, JUMBF) and XMP. */
function saysItself(bytes: Buffer): boolean {
  return ['caBX', 'jumb', XMP_KEYWORD, JPEG_XMP].some((mark) => bytes.includes(mark, 0, 'latin1'));
}

/** The picture with the note in it; the very same bytes where it is of another form, or speaks for itself. */
export function withGeneratedBy(bytes: Buffer, generatedBy: string): Buffer {
  if (saysItself(bytes)) return bytes;
  if (bytes.length > 33 && bytes.toString('latin1', 1, 4) === 'PNG') {
    return intoPng(bytes, generatedBy);
  }
  return bytes.length > 20 && bytes.readUInt16BE(0) === 0xffd8
    ? intoJpeg(bytes, generatedBy)
    : bytes;
}
