/** The control plane's own identities, while its key is missing, new, or not yet known to ZTS. */
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { eventually } from '@pallas/suite'
import { addService } from '@pallas/zts/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PROVIDER } from '../names.ts'
import { type Program, startProgram } from '../processes.ts'
import { behindDoor, controlIdentity, controlSiaArgs } from '../programs.ts'
import { type ClusterUnderTest, openCluster } from './open-cluster.ts'

const ACCOUNT = 'athenz-callback'

let it: ClusterUnderTest

beforeAll(async () => {
  it = await openCluster()
})
afterAll(() => it[Symbol.asyncDispose]())

interface Place {
  readonly dir: string
  readonly cert: string
  readonly log: () => string
  run(mode: 'init' | 'refresh'): Promise<Program>
}

const isOther = (arg: string): boolean => !/^--(identity-dir|out-)/.test(arg)

/** An identity directory of its own, with a copy of the callback's key. */
function place(name: string): Place {
  const { context } = it.cluster
  const dir = join(context.state.pki, name)
  const from = controlIdentity(context, ACCOUNT).dir
  mkdirSync(join(dir, 'out'), { recursive: true })
  for (const file of ['service.key', 'service.version']) cpSync(join(from, file), join(dir, file))
  const cert = join(dir, 'out', 'service.cert')
  const logFile = join(context.state.logs, `control-sia-${name}.log`)
  const outputs = [`--identity-dir=${dir}`, `--out-cert=${cert}`, `--out-ca-cert=${join(dir, 'out', 'ca.cert')}`, '--out-ntoken=']
  return {
    dir,
    cert,
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : ''),
    run: (mode) => {
      const args = controlSiaArgs(context, ACCOUNT, mode).filter(isOther)
      const pace = mode === 'init' ? ['--init-timeout=5s'] : ['--refresh-interval=1s']
      return startProgram({ name, argv: [...behindDoor(context.home).controlSia, ...args, ...outputs, ...pace], env: {}, logFile, daemon: true, reaper: context.reaper })
    },
  }
}

/** A new key in the directory, and its public half. */
function rotate(dir: string, version: string): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  writeFileSync(join(dir, 'service.key'), privateKey.export({ format: 'pem', type: 'pkcs8' }), { mode: 0o600 })
  writeFileSync(join(dir, 'service.version'), version)
  return createPublicKey(privateKey).export({ format: 'pem', type: 'spki' })
}

const said = (at: Place, words: string) => eventually(words, () => (at.log().includes(words) ? true : undefined))
const keyIn = (cert: string): string => new X509Certificate(readFileSync(cert)).publicKey.export({ format: 'pem', type: 'spki' })

test('without the version of its key init waits, and is done when the version comes (T48)', async () => {
  const at = place('late-version')
  renameSync(join(at.dir, 'service.version'), join(at.dir, 'later'))
  await using init = await at.run('init')
  await said(at, 'SIGNING_KEY_UNAVAILABLE')
  renameSync(join(at.dir, 'later'), join(at.dir, 'service.version'))
  expect(await init.exited).toBe(0)
})

test('without a version that ever comes init ends with 75, within its time (T48)', async () => {
  const at = place('no-version')
  rmSync(join(at.dir, 'service.version'))
  await using init = await at.run('init')
  expect(await init.exited).toBe(75)
})

test('a key that ZTS does not know yet is tried again, and init is done when it has been replicated (T48)', async () => {
  const at = place('replicated-later')
  addService(it.cluster.world, PROVIDER).publicKeys['v2'] = rotate(at.dir, 'v2')
  it.cluster.zts.faults.keyNotReplicated(PROVIDER, 'v2')
  await using init = await at.run('init')
  await said(at, 'ISSUER_DENIED')
  it.cluster.zts.faults.reset()
  expect(await init.exited, at.log()).toBe(0)
}, 90_000)

test('a key that is replaced while it runs is taken up: a certificate for the new key, and no end of the program (T48)', async () => {
  const at = place('rotated')
  await using refresh = await at.run('refresh')
  await eventually('a certificate', () => (at.log().includes('credentials published') ? true : undefined))
  const next = rotate(at.dir, 'v3')
  addService(it.cluster.world, PROVIDER).publicKeys['v3'] = next
  await eventually('a certificate for the new key', () => (keyIn(at.cert) === next ? true : undefined))
  expect(await Promise.race([refresh.exited, Promise.resolve('running')])).toBe('running')
})

test('a new key that ZTS does not know: refresh goes on, and what was there stays (T48)', async () => {
  const at = place('unknown-key')
  await using refresh = await at.run('refresh')
  await eventually('a certificate', () => (at.log().includes('credentials published') ? true : undefined))
  const before = keyIn(at.cert)
  rotate(at.dir, 'v9')
  await said(at, 'ISSUER_DENIED')
  expect(keyIn(at.cert)).toBe(before)
  expect(await Promise.race([refresh.exited, Promise.resolve('running')])).toBe('running')
})

test('two of the same identity at the same time are both served (T48)', async () => {
  const at = [place('twin-a'), place('twin-b')]
  const inits = await Promise.all(at.map((one) => one.run('init')))
  expect(await Promise.all(inits.map(({ exited }) => exited))).toEqual([0, 0])
})
