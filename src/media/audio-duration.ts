/**
 * How long a recording is: read from its container, and counted frame by frame where that says nothing (MP3 without a
 * table, ADTS). Never guessed from the size of the file.
 *
 * @module
 */
import { parseBuffer } from 'music-metadata';
import { mp4DurationMs } from './mp4-duration.ts';

/** A clip without a sound has its length in its movie header alone. */
function clipLength(bytes: Buffer, mediaType: string): number | null {
  return mediaType === 'video/mp4' || mediaType === 'video/quicktime' ? mp4DurationMs(bytes) : null;
}

/** Milliseconds, rounded up; null where the file cannot be read, or does not say and cannot be counted. */
export async function measureAudio(bytes: Buffer, mediaType: string): Promise<number | null> {
  try {
    const { format } = await parseBuffer(
      bytes,
      { mimeType: mediaType, size: bytes.length },
      { duration: true, skipCovers: true },
    );
    const seconds = format.duration;
    return seconds === undefined || !Number.isFinite(seconds) || seconds <= 0
      ? clipLength(bytes, mediaType)
      : Math.ceil(seconds * 1000);
  } catch {
    return clipLength(bytes, mediaType);
  }
}
