/** Calls by hand, for what the client of this library has no verb for. */
import type { ZtsUnderTest } from './contract-world.ts'
import { rawCall, type RawRequest, type RawResponse } from './raw-client.ts'

/** `path` is below the base URL; without a pair the caller is nobody. */
export const callBy = (it: ZtsUnderTest, path: string, request: Partial<RawRequest> = {}): Promise<RawResponse> =>
  rawCall({
    url: it.url,
    ca: it.serverRoots,
    path: `${it.url.pathname.replace(/\/$/, '')}${path}`,
    method: 'GET',
    ...request,
  })

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

export const askToken = (it: ZtsUnderTest, form: Record<string, string>, request: Partial<RawRequest> = {}) =>
  callBy(it, '/oauth2/token', {
    method: 'POST',
    headers: FORM,
    body: new URLSearchParams({ grant_type: 'client_credentials', ...form }).toString(),
    ...request,
  })

/** The keys that sign tokens, as anybody may read them. */
export const publishedKeys = async (it: ZtsUnderTest): Promise<string> =>
  (await callBy(it, '/oauth2/keys?rfc=true')).text
