/**
 * Transcripts as subtitles: SubRip, and WebVTT (https://www.w3.org/TR/webvtt1/).
 *
 * @module
 */
import type { TranscriptSegment } from '../../../contracts/transcription-provider.ts';

function clock(seconds: number, separator: ',' | '.'): string {
  const ms = Math.max(0, Math.round(seconds * 1000));
  const part = (value: number, digits: number): string => String(value).padStart(digits, '0');
  const hours = Math.floor(ms / 3_600_000);
  const minutes = Math.floor(ms / 60_000) % 60;
  return `${part(hours, 2)}:${part(minutes, 2)}:${part(Math.floor(ms / 1000) % 60, 2)}${separator}${part(ms % 1000, 3)}`;
}

/** One line of text: a blank one would end the cue. */
function line(text: string): string {
  return text.replace(/\s*\n\s*/g, ' ').trim();
}

/** `&`, `<` and `>` are markup in WebVTT, and `-->` begins a cue's times. */
function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
}

export function subRip(segments: readonly TranscriptSegment[]): string {
  return segments
    .map(
      ({ start, end, text }, index) =>
        `${index + 1}\n${clock(start, ',')} --> ${clock(end, ',')}\n${line(text)}\n\n`,
    )
    .join('');
}

export function webVtt(segments: readonly TranscriptSegment[]): string {
  const cues = segments.map(
    ({ start, end, text }) =>
      `${clock(start, '.')} --> ${clock(end, '.')}\n${escaped(line(text))}\n\n`,
  );
  return `WEBVTT\n\n${cues.join('')}`;
}
