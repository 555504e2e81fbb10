/** The callback as a ZTS sees it: certificates for pods, and none after them. */
import { eventually } from '@pallas/kubernetes/testing'
import { systemClock } from '@pallas/runtime'
import { createCsr, type CsrNames } from '@pallas/x509'
import { nodeKey } from '@pallas/x509/testing'
import { createZtsClient, type RegisterRequest, type Zts } from '@pallas/zts'
import { addService, type EmbeddedZts, startEmbeddedZts, worldOf } from '@pallas/zts/testing'
import { describe, expect, test } from 'vitest'
import { claimsFor, es256 } from './testing/documents.ts'
import { newAuthorities, openWorld, PROVIDER, type RunningCallback, type World, ZTS_NAME } from './testing/world.ts'

interface WithZts extends AsyncDisposable {
  readonly world: World
  readonly callback: RunningCallback
  readonly server: EmbeddedZts
  readonly zts: Zts
  /** A register for the pod, with a fresh document and all its names but those given. */
  request(names?: Partial<CsrNames>): Promise<RegisterRequest>
}

const key = nodeKey()

async function openWithZts(): Promise<WithZts> {
  await using scope = new AsyncDisposableStack()
  const authorities = await newAuthorities()
  const { athenz, services } = authorities
  const ztsWorld = worldOf({
    provider: PROVIDER,
    endpoint: '',
    dnsSuffixes: ['svc.cluster.local'],
    services: ['media.on-air.web'],
  })
  const pair = await athenz.issue({ commonName: ZTS_NAME, dns: ['localhost'], ip: ['127.0.0.1'] })
  const server = scope.use(
    await startEmbeddedZts({
      world: ztsWorld,
      ca: services,
      server: { ...pair, rootsPem: athenz.certPem },
      callbackTimeoutMs: 10_000,
    }),
  )
  const world = scope.use(await openWorld({ authorities, ztsEndpoint: String(server.url) }))
  const callback = await world.start()
  addService(ztsWorld, PROVIDER).providerEndpoint = callback.url.replace('localhost', '127.0.0.1')
  const zts = scope.use(
    createZtsClient({
      endpoint: server.url,
      roots: () => server.caPem,
      timeoutMs: 10_000,
      userAgent: 'test',
      clock: systemClock,
    }),
  )
  const parts = scope.move()
  const request = (names: Partial<CsrNames> = {}) => requestFor(world, names)
  return { world, callback, server, zts, request, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

async function requestFor({ pod, signing }: World, names: Partial<CsrNames>): Promise<RegisterRequest> {
  const due: CsrNames = {
    commonName: 'media.on-air.web',
    dns: ['web.media-on-air.svc.cluster.local', `${pod.uid}.instanceid.athenz.svc.cluster.local`],
    ip: [pod.ip],
    uri: ['spiffe://media.on-air/sa/web'],
  }
  const csr = await createCsr({ ...due, ...names }, key)
  const attestationData = es256(signing.privateKey, claimsFor(systemClock.now(), pod))
  return { provider: PROVIDER, domain: 'media.on-air', service: 'web', attestationData, csr }
}

const instanceOf = ({ pod }: World) => ({
  provider: PROVIDER,
  domain: 'media.on-air',
  service: 'web',
  instanceId: pod.uid,
})

describe('zts', () => {
  test('issues for a pod, renews by register and by refresh, each time with a fresh document (C8, C9)', async () => {
    await using it = await openWithZts()
    const first = await it.zts.register(await it.request())
    expect(first.instanceId).toBe(it.world.pod.uid)
    const second = await it.zts.register(await it.request())
    const credentials = { keyPem: key.pem, certPem: second.x509Certificate }
    const third = await it.zts.refresh({ ...(await it.request()), ...instanceOf(it.world), credentials })
    expect(third.x509Certificate).toContain('BEGIN CERTIFICATE')
  })

  test('passes on why not: a replay, other names, a refresh without a document (W6, W7, T20, T22)', async () => {
    await using it = await openWithZts()
    const request = await it.request()
    const { x509Certificate } = await it.zts.register(request)
    await expect(it.zts.register(request)).rejects.toMatchObject({ code: 'ZTS_REFUSED', reason: 'DOCUMENT_REPLAYED' })
    const others = await it.request({ ip: ['10.1.2.4'] })
    await expect(it.zts.register(others)).rejects.toMatchObject({ code: 'ZTS_REFUSED', reason: 'SAN_IP_MISMATCH' })
    const { csr } = await it.request()
    const credentials = { keyPem: key.pem, certPem: x509Certificate }
    const refresh = it.zts.refresh({ ...instanceOf(it.world), csr, credentials })
    await expect(refresh).rejects.toMatchObject({ code: 'ZTS_REFUSED', reason: 'DOCUMENT_MISSING' })
  })

  test('passes on that it is not now (W27)', async () => {
    await using it = await openWithZts()
    it.world.api.faults.away()
    await expect(
      it.zts.register(await it.request()),
    ).rejects.toMatchObject({ retryable: true, reason: 'API_UNAVAILABLE' })
  })

  test.each<[string, (api: World['api']) => void]>([
    ['and all is well', () => {}],
    ['while the watch of pods is cut', (api) => api.faults.breakWatches()],
    ['while the watch has to list anew', (api) => {
      api.faults.forgetHistory()
      api.faults.breakWatches()
    }],
    ['while the watch gets bytes that are no event', (api) => api.faults.disturbWatches('{"type":"DEL\n')],
  ])('forgets the instance when its pod is gone %s (T39, W8)', async (_name, harm) => {
    await using it = await openWithZts()
    await it.zts.register(await it.request())
    expect(it.server.records.get(instanceOf(it.world))).toBeDefined()
    harm(it.world.api)
    await it.world.deletePod()
    await eventually(() => (it.server.records.get(instanceOf(it.world)) === undefined ? true : undefined))
    const deletions = () => it.callback.metrics.value('instance_deletions_total', { result: 'deleted' })
    await eventually(async () => ((await deletions()) === 1 ? true : undefined))
  })
})
