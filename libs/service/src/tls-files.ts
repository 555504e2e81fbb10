import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { type Clock, type LogFields, type Logger, watchFiles } from '@pallas/runtime'
import { CERTIFICATE_LABEL, manyFromPem } from '@pallas/x509'
import { ServiceError } from './error.ts'
import { sameTexts } from './same-texts.ts'

/** PEM text, as `node:tls` takes it. */
export interface TlsMaterial {
  readonly key: string
  /** Leaf first. */
  readonly cert: string
  /** Roots that the other side must chain to; empty when none were given. */
  readonly ca: readonly string[]
}

/** A key, its certificate and the roots to trust, which others replace while we run. */
export interface TlsFiles extends AsyncDisposable {
  current(): TlsMaterial
  /** Of the leaf, epoch milliseconds. */
  notAfter(): number
  /**
   * Called after each change that is good. A listener that throws refuses it for all: they are called again, the old set being
   * the current one as before. Returns what ends the calls.
   */
  onChange(listener: () => void): () => void
  /** Whether something of what was given last could not be used, so that the old of it counts. */
  isUnusable(): boolean
  /** Takes everything anew, as after a change of a file: for who knows that the roots given as a function are others now. */
  reload(): Promise<void>
}

export interface TlsFilesOptions {
  readonly keyFile: string
  readonly certFile: string
  /** Roots from files (watched) and from text, together. A function is called at each reload. */
  readonly ca?: { readonly files?: readonly string[]; readonly pem?: string | (() => string) }
  readonly log: Logger
  readonly clock: Clock
  readonly pollMs?: number
}

type Pair = Pick<TlsMaterial, 'key' | 'cert'> & {
  /** Of the leaf. */
  readonly notAfter: number
}
type Loaded = Pair & Pick<TlsMaterial, 'ca'>

/**
 * Throws `ServiceError` `SERVICE_TLS_FILES` when the files cannot be used at the start. Afterwards what cannot be used (a
 * key of another certificate, an expired one, half a file) is logged and the old stays: pair and roots each for itself,
 * so that a root can be removed whatever has become of the pair.
 */
export async function openTlsFiles(options: TlsFilesOptions): Promise<TlsFiles> {
  const { keyFile, certFile, ca = {}, log, clock, pollMs = 60_000 } = options
  const held = holdLoaded()
  let isUnusable = false
  const told = (): LogFields => ({ path: certFile, notAfter: held.current().notAfter })
  const use = (next: Loaded): void => {
    if (isSame(next, held.current())) return
    held.use(next)
    log.info(told(), 'tls files replaced')
  }
  const cannotUse = (err: unknown): void => {
    isUnusable = true
    log.warn({ err, ...told() }, 'new tls files cannot be used, keeping the old')
  }
  const loadAgain = async (): Promise<void> => {
    const [pair, roots] = await Promise.allSettled([loadPair(options), loadRoots(options)])
    isUnusable = false
    for (const part of [pair, roots]) if (part.status === 'rejected') cannotUse(part.reason)
    const old = held.current()
    const trusted = roots.status === 'fulfilled' ? roots.value : old.ca
    // A listener may refuse the pair, which must not save a root that was removed.
    const ways = [...(pair.status === 'fulfilled' ? [pair.value] : []), old]
    ways.find((way) => succeeds(() => use({ ...way, ca: trusted }), cannotUse))
  }
  await using scope = new AsyncDisposableStack()
  const loading = oneAtATime(loadAgain)
  const reload = (): Promise<void> => loading.work()
  scope.use(watchFiles([keyFile, certFile, ...(ca.files ?? [])], { clock, onChange: reload, pollMs }))
  scope.defer(() => loading.end())
  const [pair, roots] = await Promise.all([loadPair(options), loadRoots(options)])
  held.use({ ...pair, ca: roots })
  loading.begin()
  const parts = scope.move()
  return {
    current: held.current,
    notAfter: () => held.current().notAfter,
    isUnusable: () => isUnusable,
    onChange: (listener) => held.onChange(listener),
    reload,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

/** One set for all: what one listener refuses by throwing is the current one for nobody. */
function holdLoaded() {
  const listeners = new Set<() => void>()
  let loaded: Loaded = { key: '', cert: '', ca: [], notAfter: 0 }
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  return {
    current: () => loaded,
    use(next: Loaded): void {
      const old = loaded
      try {
        loaded = next
        tell()
      } catch (error) {
        loaded = old
        tell()
        throw error
      }
    },
    onChange(listener: () => void): () => void {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
}

const isSame = (one: Loaded, other: Loaded): boolean =>
  one.key === other.key && one.cert === other.cert && sameTexts(one.ca, other.ca)

function succeeds(work: () => void, onError: (error: unknown) => void): boolean {
  try {
    work()
    return true
  } catch (error) {
    onError(error)
    return false
  }
}

/** What is asked for before the beginning waits for it; after the end nothing is done any more. */
function oneAtATime(work: () => Promise<void>) {
  const begun = Promise.withResolvers<void>()
  let last = begun.promise
  let isOpen = false
  return {
    work: (): Promise<void> => (last = last.then(() => (isOpen ? work() : undefined))),
    begin(): void {
      isOpen = true
      begun.resolve()
    },
    end(): void {
      isOpen = false
      begun.resolve()
    },
  }
}

async function loadPair({ keyFile, certFile, clock }: TlsFilesOptions): Promise<Pair> {
  const [key, cert] = await Promise.all([readPem(keyFile), readPem(certFile)])
  const leaf = firstOf(cert, certFile)
  if (!matches(leaf, key)) throw unusable('the key is not the key of the certificate', { keyFile, certFile })
  const notAfter = leaf.validToDate.getTime()
  if (notAfter <= clock.now()) throw unusable('the certificate has expired', { certFile })
  checkUsable({ key, cert }, { keyFile, certFile })
  return { key, cert, notAfter }
}

async function loadRoots({ ca: { files = [], pem } = {} }: TlsFilesOptions): Promise<readonly string[]> {
  const read = await Promise.all(files.map(readPem))
  const given = typeof pem === 'function' ? pem() : pem
  const roots = [...read, ...(given === undefined ? [] : [given])]
  roots.forEach((root, index) => firstOf(root, files[index] ?? 'roots given as text'))
  checkUsable({ ca: roots }, { files })
  return roots
}

/** What every connection will be made from: what fails here would fail each of them. */
function checkUsable(material: SecureContextOptions, fields: Record<string, unknown>): void {
  try {
    createSecureContext(material)
  } catch (cause) {
    throw unusable('no connection can be made with the tls files', fields, cause)
  }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unusable('a tls file cannot be read', { path }, cause)
  }
}

/** The first certificate of a file, every one of which was read: half a file is none. */
function firstOf(pem: string, path: string): X509Certificate {
  try {
    const [first] = manyFromPem(pem, CERTIFICATE_LABEL).map((der) => new X509Certificate(der))
    if (first !== undefined) return first
  } catch (cause) {
    throw unusable('not one certificate after another', { path }, cause)
  }
  throw unusable('no certificate', { path })
}

function matches(leaf: X509Certificate, key: string): boolean {
  try {
    return leaf.checkPrivateKey(createPrivateKey(key))
  } catch {
    // The cause is left out: it may quote the key.
    return false
  }
}

const unusable = (message: string, fields: Record<string, unknown>, cause?: unknown) =>
  new ServiceError('SERVICE_TLS_FILES', message, fields, cause)
