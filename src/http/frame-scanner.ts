/**
 * Scans the frames of a stream, most of which are alike but for one or two strings.
 *
 * @module
 */
import { FRAME_INVALID, notedStrings, scanFrame, scanString } from './json-scan.ts';

const LF = 0x0a;

/** Where a frame stands, and within it what is scanned. */
export interface FrameRange {
  readonly start: number;
  readonly dataStart: number;
  readonly dataEnd: number;
  readonly end: number;
}

/** A frame that was scanned, cut at the strings that differ from frame to frame. */
interface Template {
  readonly flags: number;
  /** Up to the inside of the content string. */
  readonly head: Buffer;
  /** From there to the inside of the filler string; null where there is none. */
  readonly middle: Buffer | null;
  readonly rest: Buffer;
  /** What stands between two such frames: the rest of one and the head of the other. */
  readonly seam: Buffer;
  /** It ends with an empty line of its own, so that a frame like it ends there wherever it stands. */
  readonly endsItself: boolean;
}

/** The frame just scanned as a template; null where it has no content string. */
function templateOf(bytes: Buffer, { start, end }: FrameRange, flags: number): Template | null {
  const { contentFrom, contentTo, fillerFrom, fillerTo } = notedStrings();
  const hasFiller = fillerFrom !== -1;
  if (contentFrom === -1 || (hasFiller && fillerFrom <= contentTo)) return null;
  const head = Buffer.from(bytes.subarray(start, contentFrom));
  const rest = Buffer.from(bytes.subarray(hasFiller ? fillerTo : contentTo, end));
  return {
    flags,
    head,
    middle: hasFiller ? Buffer.from(bytes.subarray(contentTo, fillerFrom)) : null,
    rest,
    seam: Buffer.concat([rest, head]),
    endsItself: rest.at(-1) === LF && rest.at(-2) === LF,
  };
}

function isAt(bytes: Buffer, at: number, part: Buffer): boolean {
  const end = at + part.length;
  return end <= bytes.length && part.compare(bytes, at, end) === 0;
}

/** Where the last of the strings ends, the first of which begins at `at`; negative where they are none. */
function endOfStrings({ middle }: Template, bytes: Buffer, at: number): number {
  const end = scanString(bytes, at, bytes.length) - 1;
  if (middle === null || end < 0) return end;
  return isAt(bytes, end, middle) ? scanString(bytes, end + middle.length, bytes.length) - 1 : -1;
}

/**
 * Scans the frames of one stream. Where everything but those strings equals a frame that was scanned before, byte by
 * byte, only they are scanned. The verdict is the same as {@link scanFrame}'s.
 */
export class FrameScanner {
  #template: Template | null = null;
  /** Whether the last frame was like the template. */
  #wasAlike = false;
  /** How many frames {@link endOfRun} has found. */
  runFrames = 0;

  /** @returns as {@link scanFrame} of the data */
  scan(bytes: Buffer, frame: FrameRange): number {
    const known = this.#template;
    this.#wasAlike = true;
    if (known !== null && this.#isLike(known, bytes, frame)) return known.flags;
    const flags = scanFrame(bytes, frame.dataStart, frame.dataEnd);
    const template = flags === FRAME_INVALID ? null : templateOf(bytes, frame, flags);
    this.#wasAlike = template !== null;
    this.#template = template ?? known;
    return flags;
  }

  /**
   * Finds the frames behind the one just scanned that are like it: of each of them {@link scan} would say the same.
   *
   * @returns where the last of them ends; `from` where there is none
   */
  endOfRun(bytes: Buffer, from: number): number {
    this.runFrames = 0;
    const template = this.#template;
    if (template === null || !this.#wasAlike || !template.endsItself) return from;
    const { head, rest, seam } = template;
    let end = from;
    let isBegun = isAt(bytes, from, head);
    while (isBegun) {
      const at = endOfStrings(template, bytes, end + head.length);
      if (at < 0) return end;
      // In the middle of a run one look tells that this frame ends and the next begins.
      isBegun = isAt(bytes, at, seam);
      if (!isBegun && !isAt(bytes, at, rest)) return end;
      end = at + rest.length;
      this.runFrames += 1;
    }
    return end;
  }

  #isLike(template: Template, bytes: Buffer, { start, end }: FrameRange): boolean {
    const { head, rest } = template;
    if (!isAt(bytes, start, head)) return false;
    const at = endOfStrings(template, bytes, start + head.length);
    return at >= 0 && at + rest.length === end && isAt(bytes, at, rest);
  }
}
