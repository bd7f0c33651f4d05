import { expect, test } from 'vitest';
import { subRip, webVtt } from './subtitles.ts';

const SEGMENTS = [
  { start: 0, end: 3_661.0495, text: ' First\n\nline --> <b> & more ', speaker: null, details: {} },
  { start: 3_661.0495, end: 3_662, text: 'second', speaker: null, details: {} },
];

test('SubRip numbers its cues, and no text can end one', () => {
  expect(subRip(SEGMENTS)).toBe(
    '1\n00:00:00,000 --> 01:01:01,050\nFirst line --> <b> & more\n\n2\n01:01:01,050 --> 01:01:02,000\nsecond\n\n',
  );
});

test('WebVTT escapes its markup', () => {
  expect(webVtt(SEGMENTS)).toBe(
    'WEBVTT\n\n00:00:00.000 --> 01:01:01.050\nFirst line --&gt; &lt;b&gt; &amp; more\n\n01:01:01.050 --> 01:01:02.000\nsecond\n\n',
  );
});

test('no segments are an empty file of the form', () => {
  expect([subRip([]), webVtt([])]).toEqual(['', 'WEBVTT\n\n']);
});
