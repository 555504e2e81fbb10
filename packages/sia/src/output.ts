/** The credentials on disk: what is there, and what takes its place. */
import { type CredentialSet, outputFiles, type OutputPaths } from '@pallas/credentials'
import { type Host, HostError } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import type { Certificate } from '@pallas/x509'
import { checkIdentity, type Identity } from './check.ts'
import { readCredentials } from './read-credentials.ts'
import { writeCredentials } from './write-credentials.ts'

export interface Published {
  readonly set: CredentialSet
  readonly leaf: Certificate
}

export interface Output {
  /** The set on disk when it is one that works. `spki`: of the key, where this program does not write it. */
  current(spki?: Uint8Array): Promise<Published | undefined>
  /** Writes a set and believes it only after reading it back and checking it. */
  publish(identity: Identity): Promise<Published>
  /** Replaces the token; what shares its directory stays as it is. */
  publishToken(ntoken: string): Promise<void>
}

export interface OutputDeps {
  readonly paths: OutputPaths
  readonly host: Pick<Host, 'files' | 'keys' | 'clock'>
  readonly onLeftover: (error: unknown) => void
  /** Told why what is on disk does not count. */
  readonly onUnusable: (error: unknown) => void
}

export function createOutput({ paths, host, onLeftover, onUnusable }: OutputDeps): Output {
  const { files, keys, clock } = host
  const oneByOne = createQueue()

  const check = async (identity: Identity): Promise<Published> => {
    const leaf = await checkIdentity(identity, { now: clock.now(), verify: (check) => keys.verify(check) })
    return { set: identity.set, leaf }
  }
  const write = (set: CredentialSet, serial: string, only: (path: string) => boolean = () => true) => {
    const wanted = outputFiles(set, paths).filter(({ path }) => only(path))
    return writeCredentials(wanted, { files, now: clock.now(), serial, onLeftover })
  }
  const spkiIn = async ({ keyPem }: CredentialSet, fallback: Uint8Array | undefined) =>
    keyPem === '' ? (fallback ?? new Uint8Array()) : (await keys.import(keyPem)).spki

  return {
    current: async (spki) => {
      try {
        const set = await readCredentials(paths, files)
        return set.certPem === '' ? undefined : await check({ set, spki: await spkiIn(set, spki) })
      } catch (error) {
        if (!(error instanceof HostError || error instanceof IdentityError)) throw error
        onUnusable(error)
        return undefined
      }
    },
    publish: (identity) =>
      oneByOne(async () => {
        const { leaf } = await check(identity)
        await write(identity.set, leaf.serial)
        const found = await readCredentials(paths, files)
        // Where the authority has no file of its own the chain can only be judged with the one that was answered.
        const set = { ...found, caPem: found.caPem === '' ? identity.set.caPem : found.caPem }
        return check({ ...identity, set, spki: await spkiIn(found, identity.spki) })
      }),
    publishToken: (ntoken) =>
      oneByOne(async () => {
        const place = directoryOf(paths.ntoken ?? '')
        const set = { ...(await readCredentials(paths, files)), ntoken }
        await write(set, '0', (path) => directoryOf(path) === place)
      }),
  }
}

const directoryOf = (path: string): string => path.slice(0, path.lastIndexOf('/'))

/** Runs one at a time, in the order asked for, whether or not those before succeed. */
function createQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve()
  return (work) => {
    const mine = last.then(work, work)
    last = mine.catch(() => undefined)
    return mine
  }
}
