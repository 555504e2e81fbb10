/** Registers by hand: the body and the CSR are whatever a test makes them. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Certificate, readCertificate } from '@pallas/x509'
import { namesFor, registration, type RegistrationChanges } from '../../contract-world.ts'
import type { OpenEmbedded } from '../../open-embedded.ts'
import { rawCall, type RawRequest } from '../../raw-client.ts'

export const call = (it: OpenEmbedded, request: Partial<RawRequest>) =>
  rawCall({ url: it.server.url, ca: it.server.caPem, path: '/zts/v1/instance', ...request })

export async function post(it: OpenEmbedded, changes: RegistrationChanges = {}, request: Partial<RawRequest> = {}) {
  const { expiryMinutes, ...body } = await registration(it, changes)
  return call(it, { body: JSON.stringify({ ...body, expiryTime: expiryMinutes }), ...request })
}

/** What the callback was told last. */
export const attributesAsked = (it: OpenEmbedded): Record<string, string> =>
  (JSON.parse(it.callback.asked.at(-1)?.body ?? '{}') as { attributes: Record<string, string> }).attributes

export const certificateIn = (text: string): Certificate =>
  readCertificate((JSON.parse(text) as { x509Certificate: string }).x509Certificate)

/** Arguments of `opensslCsr` for the DNS names of an instance. */
export const sans = (it: OpenEmbedded): string[] => {
  const dns = namesFor(it, 'pod-1').dns.map((name) => `DNS:${name}`)
  return ['-addext', `subjectAltName=${dns.join(',')}`]
}

export function opensslCsr(args: readonly string[]): string {
  const dir = mkdtempSync(join(tmpdir(), 'zts-'))
  try {
    const key = args.includes('-newkey') ? [] : ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']
    const files = ['-keyout', join(dir, 'key'), '-out', join(dir, 'csr')]
    execFileSync('openssl', ['req', '-new', '-nodes', ...key, ...args, ...files], { stdio: 'pipe' })
    return readFileSync(join(dir, 'csr'), 'utf8')
  } finally {
    rmSync(dir, { recursive: true })
  }
}
