/** The credentials on disk: what is there, and what takes its place. */
import { allOf, type CredentialSet, type OutputFile, outputFiles, type OutputPaths } from '@pallas/credentials'
import { type Host, HostError } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { type Certificate, sameBytes } from '@pallas/x509'
import { type CheckDeps, checkIdentity, type Identity } from '../identity/check.ts'
import { SiaError } from '../error.ts'
import { createMemory, type Memory, type Place } from './memory.ts'
import { createPinnedReader, readCredentials } from './read-credentials.ts'
import { hasExpired } from '../identity/principal-token.ts'
import { checkRole } from '../identity/roles.ts'
import { writeCredentials } from './write-credentials.ts'

export interface Published {
  /** Its roles are those that count. */
  readonly set: CredentialSet
  readonly leaf: Certificate
  /** Leaves by name. */
  readonly roles: ReadonlyMap<string, Certificate>
  /** Whether every file that is asked for holds what it should. */
  readonly isWhole: boolean
}

export interface Output {
  /** The set on disk when its service certificate works. `spki`: of the key, where this program does not write it. */
  current(spki?: Uint8Array): Promise<Published | undefined>
  /** Writes a set and believes it only after reading it back: what is found must be what was checked, or is checked anew. */
  publish(identity: Identity): Promise<Published>
  /** Replaces one token, the path of which is one of the paths or of the further tokens. */
  publishToken(path: string, token: string): Promise<void>
}

export interface OutputDeps {
  readonly paths: OutputPaths
  /** Paths of tokens that are no part of the set. */
  readonly tokenPaths?: readonly string[]
  /** PEM of those who are trusted to issue certificates, where that is known better than from the set. */
  readonly roots?: () => string
  readonly host: Pick<Host, 'files' | 'keys' | 'clock'>
  readonly onLeftover: (error: unknown) => void
  /** Told why what is on disk does not count. */
  readonly onUnusable: (error: unknown) => void
}

export function createOutput({ paths, tokenPaths = [], roots, host, onLeftover, onUnusable }: OutputDeps): Output {
  const { files, keys, clock } = host
  const oneByOne = createQueue()
  const ofSet = pathsIn(paths)
  const { check, complete, judge } = createJudge({ paths, host, onUnusable })
  const memory = createMemory(files, onUnusable)
  const write = createWriter({ host, onLeftover, memory })
  const spkiIn = async ({ keyPem }: CredentialSet, fallback: Uint8Array | undefined) =>
    keyPem === '' ? (fallback ?? new Uint8Array()) : (await keys.import(keyPem)).spki
  const tokens = tokenPaths.map((path) => ({ path, secret: true }))
  const waiting = new Map<string, string>()

  return {
    current: async (spki) => {
      try {
        const set = await readCredentials(paths, files)
        return set.certPem === '' ? undefined : await judge({ set, spki: await spkiIn(set, spki), roots: roots?.() })
      } catch (error) {
        if (!(error instanceof HostError || error instanceof IdentityError)) throw error
        onUnusable(error)
        return undefined
      }
    },
    publish: (identity) =>
      oneByOne(async () => {
        const checked = await check(identity)
        const [before] = await memory.at(ofSet.filter(({ path }) => path === paths.ntoken))
        // An agent that answers out of its record has no token: the one before serves as long as it lives.
        const stays = !identity.set.ntoken && !hasExpired(before?.content ?? '', clock.now())
        const changed = outputFiles(identity.set, paths)
        const others = ofSet.filter(({ path }) => changed.every((file) => file.path !== path))
        const [along, gone] = stays ? split(others, ({ path }) => path === paths.ntoken) : [[], others]
        await write({ changed, unchanged: [...tokens, ...along], gone, serial: checked.leaf.serial })
        const found = await readCredentials(paths, files)
        const read = identity.set.ntoken || stays ? found : { ...found, ntoken: '' }
        // Where the authority has no file of its own the chain can only be judged with the one that was answered.
        const set = { ...read, caPem: read.caPem === '' ? identity.set.caPem : read.caPem }
        if (read.keyPem === '' && outputFiles(identity.set, { key: paths.key ?? [] }).length > 0) {
          throw new SiaError('SIA_READ_BACK', 'the key that was written is not there')
        }
        const spki = await spkiIn(read, identity.spki)
        // Text for text what was checked before it was written, and the key of it, needs no second verdict.
        const isAsChecked = sameBytes(spki, identity.spki) && hasTextsOf(set, checked.set) && clock.now() < checked.leaf.notAfter
        const published = await (isAsChecked ? complete({ ...checked, set }) : judge({ ...identity, set, spki }))
        if (published.roles.size === (identity.set.roles ?? []).length) return published
        throw new SiaError('SIA_READ_BACK', 'not every role certificate that was written is there')
      }),
    publishToken: (path, token) => {
      waiting.set(path, token)
      return oneByOne(async () => {
        if (waiting.get(path) !== token) return
        // Those that came meanwhile go along: each publication costs late readers one of the generations that are kept.
        const changed = [...waiting].map(([path, content]) => ({ path, content, secret: true }))
        const others = [...ofSet, ...tokens].filter((it) => !waiting.has(it.path))
        await write({ changed, unchanged: others, serial: '0' })
        for (const { path, content } of changed) if (waiting.get(path) === content) waiting.delete(path)
      })
    },
  }
}

interface Writing {
  readonly changed: readonly OutputFile[]
  /** Kept where a directory changes in which it lies: that changes as one. */
  readonly unchanged: readonly Place[]
  /** No longer there afterwards. */
  readonly gone?: readonly Place[]
  readonly serial: string
}

interface WriterDeps extends Pick<OutputDeps, 'host' | 'onLeftover'> {
  readonly memory: Memory
}

function createWriter({ host: { files, clock }, onLeftover, memory }: WriterDeps) {
  return async ({ changed, unchanged, gone = [], serial }: Writing): Promise<void> => {
    const found = await Promise.all(gone.map(async ({ path }) => ({ path, stat: await files.stat(path) })))
    const emptied = found.filter(({ stat }) => stat?.kind === 'symlink').map(({ path }) => directoryOf(path))
    const directories = new Set([...changed.map(({ path }) => directoryOf(path)), ...emptied])
    const kept = await memory.at(unchanged.filter(({ path }) => directories.has(directoryOf(path))))
    await writeCredentials([...changed, ...kept], { files, now: clock.now(), serial, emptied, onLeftover })
    memory.put([...changed, ...kept])
    memory.forget(gone)
  }
}

/** `check` throws where the service certificate does not work; `complete` looks whether the files hold it all; `judge` does both. */
function createJudge({ paths, host, onUnusable }: Pick<OutputDeps, 'paths' | 'host' | 'onUnusable'>) {
  const { files, keys, clock } = host
  const judging = (): CheckDeps => ({ now: clock.now(), verify: (check) => keys.verify(check) })

  const check = async (identity: Identity): Promise<Checked> => {
    const leaf = await checkIdentity(identity, judging())
    const roles = new Map<string, Certificate>()
    for (const role of identity.set.roles ?? []) {
      try {
        roles.set(role.name, await checkRole(role, { ...identity, leaf }, judging()))
      } catch (error) {
        if (!(error instanceof IdentityError)) throw error
        onUnusable(error)
      }
    }
    return { set: { ...identity.set, roles: identity.set.roles?.filter(({ name }) => roles.has(name)) ?? [] }, leaf, roles }
  }
  /** The bundle can only be judged by a set whose authority is known. */
  const holds = async (set: CredentialSet): Promise<boolean> => {
    const read = createPinnedReader(files)
    const wanted = outputFiles(set, paths).filter(({ path }) => set.caPem !== '' || path !== paths.bundle)
    const found = await Promise.all(wanted.map(async ({ path, content }) => (await read(path)) === content))
    return found.every(Boolean)
  }
  const complete = async (it: Checked): Promise<Published> => {
    const hasAuthority = !paths.caCert || it.set.caPem !== ''
    const isComplete = hasAuthority && (paths.roles ?? []).every(({ name }) => it.roles.has(name))
    return { ...it, isWhole: isComplete && (await holds(it.set)) }
  }
  return { check, complete, judge: async (identity: Identity) => complete(await check(identity)) }
}

type Checked = Omit<Published, 'isWhole'>

/** Whether the one holds, text for text, all of the other that a verdict rests on. */
function hasTextsOf(one: CredentialSet, other: CredentialSet): boolean {
  const [a, b] = [judgedIn(one), judgedIn(other)]
  return a.length === b.length && a.every((text, i) => text === b[i])
}

const judgedIn = ({ keyPem, certPem, caPem, roles = [] }: CredentialSet): readonly string[] => [
  keyPem,
  certPem,
  caPem,
  ...roles.flatMap((role) => [role.name, role.certPem]),
]

const split = <T>(items: readonly T[], isFirst: (item: T) => boolean): readonly [readonly T[], readonly T[]] => [
  items.filter(isFirst),
  items.filter((item) => !isFirst(item)),
]

/** Every place that a set may have a file in. */
function pathsIn(paths: OutputPaths): readonly Place[] {
  const { caCert = '', ntoken = '', bundle = '', roles = [] } = paths
  const secret = [...allOf(paths.key), ntoken, bundle, ...roles.map(({ key = '' }) => key)]
  const plain = [caCert, ...allOf(paths.cert), ...roles.map(({ cert }) => cert)]
  return [...secret.map((path) => ({ path, secret: true })), ...plain.map((path) => ({ path, secret: false }))].filter(
    ({ path }) => path !== '',
  )
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
