import type { CredentialSet } from '@pallas/credentials'
import type { Files } from '@pallas/host'
import { nodeKey, TestCa } from '@pallas/x509/testing'
import { expect, test } from 'vitest'
import { bytes, openPod, type Pod } from '../testing/pod.ts'
import { NAMES } from '../testing/test-agent.ts'
import { createOutput } from './output.ts'

const PATHS = { key: '/tls/service.key', cert: '/tls/service.cert', caCert: '/tls/cacert.pem' }
const HOUR = 3_600_000

async function identityFrom(ca: TestCa, { host }: Pod, key = nodeKey()) {
  const { certPem } = await ca.issue({ ...NAMES, key: key.object, lifeMs: 24 * HOUR, notBefore: host.clock.now() })
  const set: CredentialSet = { keyPem: key.pem, certPem, caPem: ca.chainPem }
  return { set, spki: key.spki, names: NAMES }
}

/** Files of which one, once it is in place, is found to hold something else than was written and read back before. */
function changedInPlace(files: Files, name: string, content: string): Files {
  let reads = 0
  return {
    ...files,
    readOwn: async (path, max) => {
      const isSecondLook = path.endsWith(`/${name}`) && ++reads > 1
      return isSecondLook ? bytes(content) : files.readOwn(path, max)
    },
  }
}

const publishOn = async (pod: Pod, name: string, content: string, identity: Awaited<ReturnType<typeof identityFrom>>) => {
  const files = changedInPlace(pod.host.files, name, content)
  return createOutput({ paths: PATHS, host: { ...pod.host, files }, onLeftover: () => undefined, onUnusable: () => undefined }).publish(identity)
}

test.each(['service.key', 'service.cert', 'cacert.pem'])('a %s of another set, found after the swap, is not called published', async (name) => {
  const pod = await openPod()
  const ours = await identityFrom(pod.ca, pod)
  const { set: other } = await identityFrom(await TestCa.create({ now: pod.host.clock.now() }), pod)
  const content = { 'service.key': other.keyPem, 'service.cert': other.certPem, 'cacert.pem': other.caPem }[name] ?? ''
  await expect(publishOn(pod, name, content, ours)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
})

test('a key that has gone after the swap is not called published', async () => {
  const pod = await openPod()
  await expect(publishOn(pod, 'service.key', '', await identityFrom(pod.ca, pod))).rejects.toMatchObject({ code: 'SIA_READ_BACK' })
})

test('a certificate for the key with other names, found after the swap, is not called published', async () => {
  const pod = await openPod()
  const key = nodeKey()
  const ours = await identityFrom(pod.ca, pod, key)
  const wish = { ...NAMES, commonName: 'media.on-air.other', key: key.object, lifeMs: 24 * HOUR, notBefore: pod.host.clock.now() }
  const { certPem } = await pod.ca.issue(wish)
  await expect(publishOn(pod, 'service.cert', certPem, ours)).rejects.toMatchObject({ code: 'UPSTREAM_INVALID_CERT' })
})

test('what is found as it was written is published and whole', async () => {
  const pod = await openPod()
  const ours = await identityFrom(pod.ca, pod)
  const published = await publishOn(pod, 'service.cert', ours.set.certPem, ours)
  expect(published).toMatchObject({ isWhole: true, set: { certPem: ours.set.certPem }, leaf: { commonName: NAMES.commonName } })
})
