import { someNameRules } from '@pallas/identity/testing'
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import type { InstanceIdentity, RegisterRequest } from '@pallas/zts'
import { expect, test } from 'vitest'
import { createFollowedZts } from './followed-zts.ts'

const CONFIG: ClusterConfig = {
  ...someNameRules(),
  ztsEndpoint: 'https://one.test/zts/v1',
  providerService: 'k8s.admin.callback',
  trustRoots: { athenz: 'roots', athenzService: 'roots' },
  authHeader: 'Athenz-Principal-Auth',
}
const IDENTITY: InstanceIdentity = { instanceId: 'i', x509Certificate: 'c', x509CertificateSigner: 's' }
const WISH: RegisterRequest = { provider: 'p', domain: 'd', service: 's', attestationData: 'a', csr: 'c' }

/** A ZTS that notes what happens to the clients made for it, and answers when the test says so. */
function follow() {
  let config = CONFIG
  const told: string[] = []
  const waiting: (() => void)[] = []
  const zts = createFollowedZts({
    config: () => config,
    open: ({ ztsEndpoint, providerService }) => {
      const name = `${providerService} at ${new URL(ztsEndpoint).host}`
      const answer = () => {
        told.push(`${name} asked`)
        const { promise, resolve } = Promise.withResolvers<InstanceIdentity>()
        waiting.push(() => resolve(IDENTITY))
        return promise
      }
      told.push(`${name} opened`)
      return { register: answer, refresh: answer, [Symbol.asyncDispose]: async () => void told.push(`${name} closed`) }
    },
  })
  const change = (other: Partial<ClusterConfig>) => (config = { ...config, ...other })
  return { zts, told, change, answerAll: () => waiting.splice(0).forEach((answer) => answer()) }
}

test('one client serves as long as ZTS and provider are the same; roots it follows by itself (T32)', async () => {
  const { zts, told, change, answerAll } = follow()
  const first = zts.register(WISH)
  change({ trustRoots: { athenz: 'others', athenzService: 'others' } })
  const second = zts.register(WISH)
  answerAll()
  await Promise.all([first, second])
  await zts[Symbol.asyncDispose]()
  const name = 'k8s.admin.callback at one.test'
  expect(told).toEqual([`${name} opened`, `${name} asked`, `${name} asked`, `${name} closed`])
})

test.each<[string, Partial<ClusterConfig>, string]>([
  ['another ZTS', { ztsEndpoint: 'https://two.test/zts/v1' }, 'k8s.admin.callback at two.test'],
  ['another provider', { providerService: 'k8s.admin.identityd' }, 'k8s.admin.identityd at one.test'],
])('%s is asked from the next call on, and what is under way ends where it began (W37)', async (_name, other, next) => {
  const { zts, told, change, answerAll } = follow()
  const first = zts.register(WISH)
  change(other)
  const second = zts.register(WISH)
  expect(told).not.toContain('k8s.admin.callback at one.test closed')
  answerAll()
  expect(await first).toBe(IDENTITY)
  await second
  expect(told.slice(2)).toEqual([`${next} opened`, `${next} asked`, 'k8s.admin.callback at one.test closed'])
  await zts[Symbol.asyncDispose]()
  expect(told.at(-1)).toBe(`${next} closed`)
})

test('a client that nobody uses is closed before the next one is asked', async () => {
  const { zts, told, change, answerAll } = follow()
  const first = zts.register(WISH)
  answerAll()
  await first
  change({ ztsEndpoint: 'https://two.test/zts/v1' })
  const second = zts.register(WISH)
  await new Promise((resolve) => setImmediate(resolve))
  expect(told.slice(2)).toEqual(['k8s.admin.callback at two.test opened', 'k8s.admin.callback at one.test closed', 'k8s.admin.callback at two.test asked'])
  answerAll()
  await second
})
