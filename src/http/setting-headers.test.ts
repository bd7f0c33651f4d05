import { describe, expect, it } from 'vitest';
import { settingHeaders } from './setting-headers.ts';

describe('settingHeaders', () => {
  it('sends what stands under header.<name>, in lower case, and named settings', () => {
    const settings = { 'header.X-Team': 'blue', billTo: 'us', other: 'kept here' };
    expect(settingHeaders(settings, { billTo: 'x-bill-to' })).toEqual({
      'x-team': 'blue',
      'x-bill-to': 'us',
    });
  });

  it.each([
    ['header.Content-Length', '3'],
    ['header.Host', 'elsewhere'],
    ['header.x team', 'blue'],
    ['header.x-team', 'blue\r\nx-other: red'],
    ['header.x-team', ''],
    ['header.', 'blue'],
  ])('leaves out %s: %j', (setting, value) => {
    expect(settingHeaders({ [setting]: value })).toEqual({});
  });
});
