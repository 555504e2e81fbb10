/** One identity from the agent, checked: id → names → key and CSR → credentials; in the original form the key too. */
import type { CredentialSet } from '@pallas/credentials'
import { type Host, HostError, type PrivateKey } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import { type AgentClient, type Credentials, type Handle, type NamesAnswer, parseHandle } from '@pallas/wire'
import { createCsr, type CsrKey, X509Error } from '@pallas/x509'
import { type CheckedIdentity, checkIdentity, type Identity } from './check.ts'
import { hasExpired } from './principal-token.ts'

const MAX_ID_BYTES = 256
/** How often names may change between asking for them and using them. */
const MAX_NAME_CHANGES = 3

export interface FetchDeps {
  readonly agent: AgentClient
  readonly host: Pick<Host, 'files' | 'keys' | 'clock'>
  readonly idFile: string
}

/** Called with what is replaced, if anything. Throws `IdentityError`, or `HostError` when the id cannot be read. */
export type Fetch = (held: CredentialSet | undefined, signal: AbortSignal) => Promise<CheckedIdentity>

/**
 * The key is made here and leaves this program only for the disk. A try whose answer never came keeps its key for the
 * next one: of what was issued meanwhile, the agent gives whoever comes with that key its own. Any answer ends this.
 */
export function createFetchForOwnKey({ agent, host, idFile }: FetchDeps): Fetch {
  const { keys } = host
  let unanswered: CsrMaker | undefined
  return async (held, signal) => {
    const handle = await readHandle(idFile, host)
    unanswered ??= createCsrMaker(await keys.generate())
    const { key, csrFor } = unanswered
    const ask = (csr: string) => (held === undefined ? agent.init(handle, csr, signal) : agent.refresh(handle, csr, signal))
    try {
      const { names, answer } = await withTheNamesOfNow(() => agent.names(handle, signal), csrFor, ask)
      unanswered = undefined
      return await checked({ set: { ...answer, keyPem: key.pem }, spki: key.spki, names }, host)
    } catch (error) {
      if (!isSilence(error)) unanswered = undefined
      throw error
    }
  }
}

/** Names may change between asking for them and using them. */
async function withTheNamesOfNow<T>(
  namesNow: () => Promise<NamesAnswer>,
  csrFor: CsrMaker['csrFor'],
  ask: (csr: string) => Promise<T>,
): Promise<{ readonly names: NamesAnswer; readonly answer: T }> {
  for (let changes = 0; ; changes++) {
    const names = await namesNow()
    const csr = await csrFor(names)
    try {
      return { names, answer: await ask(csr) }
    } catch (error) {
      const isChange = error instanceof IdentityError && error.code === 'CSR_NAMES_CHANGED'
      if (!isChange || changes === MAX_NAME_CHANGES) throw error
    }
  }
}

interface CsrMaker {
  readonly key: PrivateKey
  /** The same text while the names stay the same. */
  csrFor(this: void, names: NamesAnswer): Promise<string>
}

function createCsrMaker(key: PrivateKey): CsrMaker {
  let last: { readonly of: string; readonly csr: string } | undefined
  return {
    key,
    csrFor: async (names) => {
      const of = JSON.stringify(names)
      if (last?.of !== of) last = { of, csr: await csrOf(names, key) }
      return last.csr
    },
  }
}

/** No answer, or one that says to come again: whether something was issued for this key, nobody here knows. */
const isSilence = (error: unknown): boolean =>
  error instanceof HostError ||
  (error instanceof IdentityError && (error.kind === 'unavailable' || error.kind === 'conflict'))

/** The agent makes the key; it shows no names, so that they are not compared here. */
export function createFetchForAgentKey({ agent, host, idFile }: FetchDeps): Fetch {
  return async (held, signal) => {
    const handle = await readHandle(idFile, host)
    const isFirst = held === undefined
    const answer = await (isFirst ? agent.init(handle, undefined, signal) : agent.refresh(handle, held, signal))
    const { keyPem, spki } = await keyIn(answer, host)
    return checked({ set: { ...answer, keyPem }, spki }, host)
  }
}

async function checked(identity: Identity, { keys, clock }: FetchDeps['host']): Promise<CheckedIdentity> {
  const { caPem, ntoken = '' } = identity.set
  if (caPem === '') throw invalid('the answer lacks the authority')
  if (hasExpired(ntoken, clock.now())) throw invalid('the token has expired')
  const leaf = await checkIdentity(identity, { now: clock.now(), verify: (check) => keys.verify(check) })
  return { ...identity, leaf }
}

async function keyIn({ keyPem = '' }: Credentials, { keys }: FetchDeps['host']) {
  try {
    return { keyPem, spki: (await keys.import(keyPem)).spki }
  } catch (cause) {
    if (cause instanceof HostError) throw invalid('the answer holds no usable key', cause)
    throw cause
  }
}

export async function readHandle(idFile: string, { files }: Pick<Host, 'files'>): Promise<Handle> {
  return parseHandle(new TextDecoder().decode(await files.read(idFile, MAX_ID_BYTES)).trim())
}

async function csrOf(names: NamesAnswer, key: CsrKey): Promise<string> {
  try {
    return await createCsr(names, key)
  } catch (cause) {
    if (!(cause instanceof X509Error)) throw cause
    throw new IdentityError('AGENT_UNAVAILABLE', 'the agent offers names that no csr can hold', {}, { cause })
  }
}

const invalid = (message: string, cause?: unknown) =>
  new IdentityError('UPSTREAM_INVALID_CERT', message, {}, cause === undefined ? {} : { cause })
