import { describe, expect, it } from 'vitest';
import { COMMON_QUIRKS } from './quirks.ts';
import { requestHeaders } from './request-headers.ts';

const SETTINGS = { 'header.x-team': 'blue', organization: 'org-1' };
const TARGET = { model: 'm', baseUrl: 'http://a', credential: 'k', settings: SETTINGS };

describe('headers of a call', () => {
  it('are one object for the calls of an entry', () => {
    const headers = requestHeaders(TARGET, COMMON_QUIRKS, false);
    expect(headers).toMatchObject({ accept: 'application/json', 'x-team': 'blue' });
    expect(requestHeaders({ ...TARGET, model: 'n' }, COMMON_QUIRKS, false)).toBe(headers);
    expect(Object.isFrozen(headers)).toBe(true);
  });

  it('are others for a stream, another credential, other quirks and other settings', () => {
    const headers = requestHeaders(TARGET, COMMON_QUIRKS, false);
    expect(requestHeaders(TARGET, COMMON_QUIRKS, true)['accept']).toBe('text/event-stream');
    const other = requestHeaders({ ...TARGET, credential: 'l' }, COMMON_QUIRKS, false);
    expect(other['authorization']).toBe('Bearer l');
    expect(
      requestHeaders({ ...TARGET, credential: null }, COMMON_QUIRKS, false),
    ).not.toHaveProperty('authorization');
    const quirks = { ...COMMON_QUIRKS, settingHeaders: { organization: 'x-organization' } };
    expect(requestHeaders(TARGET, quirks, false)['x-organization']).toBe('org-1');
    expect(requestHeaders({ ...TARGET, settings: {} }, COMMON_QUIRKS, false)).not.toHaveProperty(
      'x-team',
    );
    expect(requestHeaders(TARGET, COMMON_QUIRKS, false)).toEqual(headers);
  });
});
