/** Role certificates: for the key of the service, with names that follow from its certificate. */
import type { CredentialSet, RoleCertificate } from '@pallas/credentials'
import type { Host } from '@pallas/host'
import type { WorkloadNames } from '@pallas/identity'
import { type Certificate, createCsr, readCertificates } from '@pallas/x509'
import { type CheckDeps, type CheckedIdentity, checkIdentity } from './check.ts'
import type { Client, MemberCalls } from '../zts/member-calls.ts'

type Named = Pick<Certificate, 'commonName' | 'names'>

/** The names of a role certificate of whoever has this certificate (`spec/zts.md` 7). */
export function roleNamesOf({ commonName = '', names }: Named, role: string): WorkloadNames {
  return {
    commonName: role,
    dns: names.dns.filter((name) => !name.includes('.instanceid.athenz.')),
    ip: names.ip,
    uri: [`spiffe://${role.replace(':role.', '/ra/')}`, `athenz://principal/${commonName}`],
  }
}

/** Resolves with the leaf when the certificate is one for the role, the service and its key. Throws as `checkIdentity`. */
export function checkRole(
  { name, certPem }: RoleCertificate,
  { set, spki, leaf, roots }: CheckedIdentity,
  deps: CheckDeps,
): Promise<Certificate> {
  const names = roleNamesOf(leaf, name)
  return checkIdentity({ set: { keyPem: '', certPem, caPem: set.caPem }, spki, names, roots }, deps)
}

export interface RoleFetchOptions {
  /** Such as `media.on-air:role.reader`. */
  readonly names: readonly string[]
  readonly zts: MemberCalls
  /** Of the bundle that goes behind each certificate; undefined for none. */
  readonly intermediates: string | undefined
  readonly host: Pick<Host, 'keys' | 'clock'>
}

/** Those of the roles that are in the set already, and those got now; the rest with what stood in the way. */
export interface RolesGot {
  readonly roles: readonly RoleCertificate[]
  readonly missing: ReadonlyMap<string, unknown>
}

export type FetchRoles = (identity: CheckedIdentity, signal: AbortSignal) => Promise<RolesGot>

/** As in k8s-athenz-sia: so that a role certificate does not end before the one of the service. */
const MINUTES_LONGER = 5

/** Rejects only when the signal aborts. */
export function createFetchRoles({ names, zts, intermediates, host }: RoleFetchOptions): FetchRoles {
  const { keys, clock } = host
  const fetchOne = async (name: string, given: Given, signal: AbortSignal): Promise<RoleCertificate> => {
    const { identity, client, behind } = given
    const { leaf } = identity
    const key = await keys.import(identity.set.keyPem)
    const csr = await createCsr(roleNamesOf(leaf, name), key)
    const minutes = Math.ceil((leaf.notAfter - clock.now()) / 60_000) + MINUTES_LONGER
    const role = { name, certPem: lines(await zts.roleCertificate(csr, minutes, client, signal)) + behind }
    await checkRole(role, identity, { now: clock.now(), verify: (check) => keys.verify(check) })
    return role
  }
  return async (identity, signal) => {
    const { set } = identity
    const held = new Map((set.roles ?? []).map((role) => [role.name, role]))
    const wanted = names.filter((name) => !held.has(name))
    if (wanted.length === 0) return { roles: [...held.values()], missing: new Map() }
    const missing = new Map<string, unknown>()
    const client = clientOf(set)
    try {
      const behind = intermediates === undefined ? '' : lines(await zts.authorities(intermediates, client, signal))
      const given = { identity, client, behind }
      await forEachOf(wanted, async (name) => {
        try {
          held.set(name, await fetchOne(name, given, signal))
        } catch (error) {
          missing.set(name, error)
        }
      })
    } catch (error) {
      for (const name of wanted) missing.set(name, error)
    }
    signal.throwIfAborted()
    return { roles: names.flatMap((name) => held.get(name) ?? []), missing }
  }
}

interface Given {
  readonly identity: CheckedIdentity
  readonly client: Client
  readonly behind: string
}

/** What is shown to ZTS; a lone leaf is followed by its chain, which ZTS may need. */
export const clientOf = ({ keyPem, certPem, caPem }: CredentialSet): Client => ({
  keyPem,
  certPem: readCertificates(certPem).length > 1 ? certPem : lines(certPem) + caPem,
})

const LANES = 4

/** A few at a time: ZTS is asked by a whole fleet. */
export async function forEachOf<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  const lane = async () => {
    for (const item of rest) await work(item)
  }
  await Promise.all(Array.from({ length: LANES }, lane))
}

const lines = (pem: string): string => `${pem.trimEnd()}\n`
