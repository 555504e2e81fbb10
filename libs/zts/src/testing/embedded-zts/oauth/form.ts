/** The form that asks for an access token (spec `zts.md` 8). Fields that nobody knows are passed over. */
import { Refusal } from '../answer.ts'
import { checkName } from '../schema.ts'

export interface TokenForm {
  /** Lower case, never empty. */
  readonly scope: string
  /** Zero for no wish. */
  readonly expiresIn: number
  readonly proxyForPrincipal: string | undefined
}

export function readTokenForm(body: string): TokenForm {
  const form = new URLSearchParams(body)
  const field = (name: string) => form.getAll(name).at(-1)?.toLowerCase() ?? ''
  const grantType = field('grant_type')
  if (grantType === '') throw new Refusal(400, 'Invalid request: no grant type provided')
  if (grantType !== 'client_credentials') throw new Refusal(400, `Invalid grant request: ${grantType}`)
  const scope = field('scope')
  if (scope === '') throw new Refusal(400, 'Invalid request: no scope provided')
  const proxy = field('proxy_for_principal')
  return {
    scope,
    expiresIn: /^\d{1,9}$/.test(field('expires_in')) ? Number(field('expires_in')) : 0,
    proxyForPrincipal: proxy === '' ? undefined : checkName(proxy, 'CompoundName', 'EntityName'),
  }
}
