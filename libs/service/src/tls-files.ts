import { createPrivateKey, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { type Clock, type LogFields, type Logger, watchFiles } from '@pallas/runtime'
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
  /** Called after each good change. Returns what ends the calls. */
  onChange(listener: () => void): () => void
}

export interface TlsFilesOptions {
  readonly keyFile: string
  readonly certFile: string
  /** Roots from files (watched) and from text (fixed), together. */
  readonly ca?: { readonly files?: readonly string[]; readonly pem?: string }
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
  const reload = async (): Promise<void> => {
    try {
      loaded = await load(options)
      for (const listener of listeners) listener()
      log.info({ path: certFile, notAfter: loaded.notAfter } satisfies LogFields, 'tls files replaced')
    } catch (err) {
      log.warn({ err, path: certFile, notAfter: loaded.notAfter } satisfies LogFields, 'new tls files cannot be used, keeping the old')
    }
  }
  await using scope = new AsyncDisposableStack()
  scope.use(watchFiles([keyFile, certFile, ...(ca.files ?? [])], { clock, onChange: reload, pollMs }))
  loaded = await load(options)
  const parts = scope.move()
  return {
    current: () => loaded,
    notAfter: () => loaded.notAfter,
    onChange(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    [Symbol.asyncDispose]: () => parts.disposeAsync(),
  }
}

async function load({ keyFile, certFile, ca = {}, clock }: TlsFilesOptions): Promise<Loaded> {
  const [key, cert, ...roots] = await Promise.all([keyFile, certFile, ...(ca.files ?? [])].map(readPem))
  if (key === undefined || cert === undefined) throw unusable('a tls file is missing', { keyFile, certFile })
  const leaf = certificateIn(cert, certFile)
  if (!matches(leaf, key)) throw unusable('the key is not the key of the certificate', { keyFile, certFile })
  const notAfter = leaf.validToDate.getTime()
  if (notAfter <= clock.now()) throw unusable('the certificate has expired', { certFile })
  const files = ca.files ?? []
  roots.forEach((pem, index) => certificateIn(pem, files[index] ?? ''))
  return { key, cert, ca: [...roots, ...(ca.pem === undefined ? [] : [ca.pem])], notAfter }
}

async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    throw unusable('a tls file cannot be read', { path }, cause)
  }
}

function certificateIn(pem: string, path: string): X509Certificate {
  try {
    return new X509Certificate(pem)
  } catch (cause) {
    throw unusable('not a certificate', { path }, cause)
  }
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
