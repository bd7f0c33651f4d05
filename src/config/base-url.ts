/**
 * Base URLs of providers as operators write them.
 *
 * @module
 */

/** A base URL without version segment and slash at its end, or the reason why it is none. */
export type BaseUrl =
  | { readonly type: 'url'; readonly url: string }
  | { readonly type: 'invalid'; readonly reason: string };

/**
 * Reads a base URL: everything before the version segment. One version segment at its end, as users of
 * vendor SDKs write it (`https://api.openai.com/v1`), is dropped.
 */
export function readBaseUrl(text: string, versionSegment: string): BaseUrl {
  const invalid = (reason: string): BaseUrl => ({ type: 'invalid', reason });
  let url: URL;
  try {
    url = new URL(text.trim());
  } catch {
    return invalid('is no URL; write "https://host" or "https://host/path"');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    return invalid('must begin with https:// or http://');
  }
  if (url.username !== '' || url.password !== '') {
    return invalid('must not hold a user name or password; set the credential instead');
  }
  if (url.search !== '' || url.hash !== '') return invalid('must not hold a query or fragment');
  let path = url.pathname.replace(/\/+$/, '');
  if (versionSegment !== '' && path.endsWith(versionSegment)) {
    path = path.slice(0, -versionSegment.length).replace(/\/+$/, '');
  }
  return { type: 'url', url: `${url.origin}${path}` };
}
