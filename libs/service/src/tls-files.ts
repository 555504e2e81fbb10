import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { type Clock, type LogFields, type Logger, watchFiles } from '@pallas/runtime'
import { CERTIFICATE_LABEL, manyFromPem } from '@pallas/x509'
import { ServiceError } from './error.ts'

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
   * Called after each good change. A listener that throws refuses it for all: they are called again, the old set being
   * the current one as before. Returns what ends the calls.
   */
  onChange(listener: () => void): () => void
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

interface Loaded extends TlsMaterial {
  readonly notAfter: number
}

/**
 * Throws `ServiceError` `SERVICE_TLS_FILES` when the files cannot be used at the start. Afterwards a change that cannot be
 * used (a key of another certificate, an expired one, half a file) is logged and the old set stays.
 */
export async function openTlsFiles(options: TlsFilesOptions): Promise<TlsFiles> {
  const { keyFile, certFile, ca = {}, log, clock, pollMs = 60_000 } = options
  const listeners = new Set<() => void>()
  let loaded: Loaded = { key: '', cert: '', ca: [], notAfter: 0 }
  const tell = (): void => {
    for (const listener of listeners) listener()
  }
  const use = (next: Loaded): void => {
    const old = loaded
    try {
      loaded = next
      tell()
    } catch (error) {
      loaded = old
      tell()
      throw error
    }
  }
  const loadAgain = async (): Promise<void> => {
    try {
      use(await load(options))
      log.info({ path: certFile, notAfter: loaded.notAfter } satisfies LogFields, 'tls files replaced')
    } catch (err) {
      log.warn({ err, path: certFile, notAfter: loaded.notAfter } satisfies LogFields, 'new tls files cannot be used, keeping the old')
    }
  }
  await using scope = new AsyncDisposableStack()
  const loading = oneAtATime(loadAgain)
  const reload = (): Promise<void> => loading.work()
  scope.use(watchFiles([keyFile, certFile, ...(ca.files ?? [])], { clock, onChange: reload, pollMs }))
  scope.defer(() => loading.end())
  loaded = await load(options)
  loading.begin()
  const parts = scope.move()
  return {
    current: () => loaded,
    notAfter: () => loaded.notAfter,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    reload,
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
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

async function load({ keyFile, certFile, ca = {}, clock }: TlsFilesOptions): Promise<Loaded> {
  const files = ca.files ?? []
  const [key, cert, ...roots] = await Promise.all([keyFile, certFile, ...files].map(readPem))
  if (key === undefined || cert === undefined) throw unusable('a tls file is missing', { keyFile, certFile })
  const leaf = firstOf(cert, certFile)
  if (!matches(leaf, key)) throw unusable('the key is not the key of the certificate', { keyFile, certFile })
  const notAfter = leaf.validToDate.getTime()
  if (notAfter <= clock.now()) throw unusable('the certificate has expired', { certFile })
  const given = typeof ca.pem === 'function' ? ca.pem() : ca.pem
  const trusted = [...roots, ...(given === undefined ? [] : [given])]
  trusted.forEach((pem, index) => firstOf(pem, files[index] ?? 'roots given as text'))
  const material = { key, cert, ca: trusted }
  checkUsable(material, { keyFile, certFile })
  return { ...material, notAfter }
}

/** What every connection will be made from: a set that fails here would fail each of them. */
function checkUsable({ key, cert, ca }: TlsMaterial, fields: Record<string, unknown>): void {
  try {
    createSecureContext({ key, cert, ca: [...ca] })
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
