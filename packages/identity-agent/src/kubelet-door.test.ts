import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeClock } from '@pallas/runtime/testing'
import { TestCa } from '@pallas/x509/testing'
import { afterEach, expect, test, vi } from 'vitest'
import { expandVariables } from './expand.ts'
import { openKubelet } from './kubelet-door.ts'

test('variables are taken from the environment, in both spellings (C10)', () => {
  const env = { NODE_IP: '10.0.0.7', PORT: '10250' }
  expect(expandVariables('https://$NODE_IP:${PORT}', env)).toBe('https://10.0.0.7:10250')
  expect(expandVariables('https://127.0.0.1:10250', env)).toBe('https://127.0.0.1:10250')
  expect(() => expandVariables('https://$NODE_IP:${NO_PORT}', { ...env, NO_PORT: '' })).toThrow('NO_PORT')
})

const settings = {
  podEndpoint: 'https://127.0.0.1:10250',
  podServiceTimeout: 1_000,
  kubeletTokenFile: '/none',
  kubeletCa: undefined,
  nodeName: undefined,
  kubeletReadOnlyPort: false,
}
const weakened = vi.fn<(mode: string) => void>()
const ownAddresses = () => ['10.0.0.7', 'fd00::7']
const deps = { env: {}, clock: new FakeClock(), ownAddresses, events: { weakened, podUnreadable: () => undefined } }

afterEach(() => weakened.mockClear())

test('a kubelet without known roots must be on a loopback address, and is announced (W20)', async () => {
  await using _kubelet = await openKubelet(settings, deps)
  expect(weakened).toHaveBeenCalledExactlyOnceWith('kubelet-unverified')
  await expect(openKubelet({ ...settings, podEndpoint: 'https://10.0.0.7:10250' }, deps)).rejects.toThrow('--kubelet-ca')
})

test('a kubelet anywhere is taken with its roots (W20)', async () => {
  const root = mkdtempSync(join(tmpdir(), 'pa-'))
  const kubeletCa = join(root, 'ca.pem')
  writeFileSync(kubeletCa, (await TestCa.create()).certPem)
  await using _kubelet = await openKubelet({ ...settings, podEndpoint: 'https://10.0.0.7:10250', kubeletCa }, deps)
  expect(weakened).not.toHaveBeenCalled()
  rmSync(root, { recursive: true })
})

test.each(['http://127.0.0.1:10255', 'kubelet', ''])('%s is no endpoint, unless the settings say so (W20)', async (podEndpoint) => {
  await expect(openKubelet({ ...settings, podEndpoint }, deps)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

const readOnly = { ...settings, nodeName: 'node-1', kubeletReadOnlyPort: true }
const onNode = ['http://127.0.0.1:10255', 'http://[::1]:10255', 'http://node-1:10255', 'http://10.0.0.7:10255', 'http://[fd00::7]:10255']

test.each(onNode)('the read-only port at %s is taken by its own setting, and announced (W20)', async (podEndpoint) => {
  await using _kubelet = await openKubelet({ ...readOnly, podEndpoint }, deps)
  expect(weakened).toHaveBeenCalledExactlyOnceWith('kubelet-read-only-port')
})

test.each(['http://node-2:10255', 'http://10.0.0.8:10255', 'http://node-1.evil.test:10255'])(
  'the read-only port at %s is of another node, and is not believed (W20)',
  async (podEndpoint) => {
    await expect(openKubelet({ ...readOnly, podEndpoint }, deps)).rejects.toThrow('needs a --pod-endpoint on this node')
  },
)

test('without a name of the node a name proves nothing of being this one (W20)', async () => {
  const nameless = { ...readOnly, nodeName: undefined, podEndpoint: 'http://node-1:10255' }
  await expect(openKubelet(nameless, deps)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

test('whoever asks for the read-only port does not get another without noticing', async () => {
  await expect(openKubelet({ ...settings, kubeletReadOnlyPort: true }, deps)).rejects.toThrow('must be an http URL')
})
