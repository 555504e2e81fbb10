/** What a pod was given, read out of it, and judged by the authority that was made here: nothing that the pod says is believed. */
import { execFile } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { TrialError } from './error.ts'
import type { Kubectl } from './kubectl.ts'
import { EXAMPLE } from './names.ts'
import type { WaitDeps } from './wait.ts'

export interface Identity {
  readonly subject: string
  readonly names: readonly string[]
  readonly issuer: string
  readonly notBefore: string
  readonly notAfter: string
  /** Who verified it, and how it said so. */
  readonly verdict: string
}

const READ_CERTIFICATE = "process.stdout.write(require('node:fs').readFileSync('/tls/..data/service.cert'))"
const OPENSSL_TIMEOUT_MS = 10_000

/** Throws `TRIAL_NOT_VERIFIED` for a certificate that the authority did not issue, or that names somebody else. */
export async function readIdentity(kubectl: Kubectl, deployment: 'web' | 'client', authorityPem: string): Promise<Identity> {
  const where = [`--namespace=${EXAMPLE.namespace}`, `deployment/${deployment}`, '--container=main']
  const pem = await kubectl(['exec', ...where, '--', '/usr/bin/node', '-e', READ_CERTIFICATE])
  return judge(pem, authorityPem, EXAMPLE[deployment])
}

/** Exported for its tests. */
export async function judge(pem: string, authorityPem: string, expected: string): Promise<Identity> {
  const leaf = new X509Certificate(pem)
  const authority = new X509Certificate(authorityPem)
  if (leaf.subject !== `CN=${expected}`) throw new TrialError('TRIAL_NOT_VERIFIED', `the certificate is not that of ${expected}`)
  if (!leaf.checkIssued(authority) || !leaf.verify(authority.publicKey)) {
    throw new TrialError('TRIAL_NOT_VERIFIED', `the certificate of ${expected} is not one of the authority of this trial`)
  }
  return {
    subject: leaf.subject,
    names: (leaf.subjectAltName ?? '').split(', ').map((name) => name.replace(/^(DNS|IP Address|URI):/, '')),
    issuer: leaf.issuer,
    notBefore: leaf.validFromDate.toISOString(),
    notAfter: leaf.validToDate.toISOString(),
    verdict: await byOpenssl(pem, authorityPem),
  }
}

/** What `openssl verify` says; where there is none, the signature was checked by Node alone. */
async function byOpenssl(pem: string, authorityPem: string): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), 'athenz-trial-'))
  try {
    const [leaf, roots] = [join(dir, 'service.cert'), join(dir, 'ca.pem')]
    writeFileSync(leaf, pem)
    writeFileSync(roots, authorityPem)
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    execFile('openssl', ['verify', '-CAfile', roots, leaf], { timeout: OPENSSL_TIMEOUT_MS }, (error, stdout, stderr) => {
      if (error === null) resolve(`openssl verify: ${stdout.trim().replace(/^.*: /, '')}`)
      else if (error.code === 'ENOENT') resolve('signature verified by Node; no openssl here')
      else reject(new TrialError('TRIAL_NOT_VERIFIED', `openssl does not verify the certificate: ${stderr.trim()}`, error))
    })
    return await promise
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

export interface Meeting {
  readonly reached: string
  readonly youAre: string
}

const PACE_MS = 500

/** The first call between the two pods in which each knew the other's name. */
export async function waitForMeeting({ kubectl, clock, signal }: WaitDeps, until: number): Promise<Meeting> {
  for (;;) {
    const log = await kubectl(['logs', `--namespace=${EXAMPLE.namespace}`, 'deployment/client', '--container=main', '--tail=50'])
    const meeting = meetingIn(log)
    if (meeting !== undefined) return meeting
    if (clock.monotonic() >= until) throw new TrialError('TRIAL_NOT_VERIFIED', `the two pods did not reach each other: ${log.trim().split('\n').at(-1) ?? ''}`)
    await clock.sleep(PACE_MS, signal)
  }
}

/** Exported for its tests. */
export function meetingIn(log: string): Meeting | undefined {
  const lines = log.split('\n').filter((line) => line.startsWith('{"reached"'))
  return lines.map((line) => JSON.parse(line) as Meeting).find(({ reached, youAre }) => reached === EXAMPLE.web && youAre === EXAMPLE.client)
}
