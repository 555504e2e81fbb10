/**
 * The ZTS of the tests: the embedded one, in the test's own process, at the node's address, where the trial's would be. So a
 * test sees its calls and records and can take it away. It asks one of the callbacks that are ready.
 */
import type { KubeApi } from '@pallas/kubernetes'
import { systemClock } from '@pallas/runtime'
import type { Material } from '@pallas/trial'
import { TestCa } from '@pallas/x509/testing'
import { type EmbeddedZts, startEmbeddedZts } from '@pallas/zts/testing'
import { athenzWorld } from './material.ts'
import { ADMIN_DOMAIN, PORT, ZTS } from './names.ts'
import { podsSeenBy, type Replica } from './replicas.ts'

const LOOK_MS = 250

export async function startZts(material: Material, address: string, api: KubeApi): Promise<EmbeddedZts> {
  await using scope = new AsyncDisposableStack()
  const files = material.secrets[ZTS]
  const file = (name: string): string => files[name] ?? ''
  const world = athenzWorld(material)
  const zts = scope.use(
    await startEmbeddedZts({
      world,
      ca: TestCa.open({ certPem: file('ca.pem'), keyPem: file('ca.key') }),
      server: { certPem: file('server.pem'), keyPem: file('server.key'), rootsPem: file('server-roots.pem') },
      listen: { host: address, port: PORT },
    }),
  )
  const provider = world.domains[ADMIN_DOMAIN]?.services['athenz-callback']
  if (provider === undefined) throw new Error('Athenz knows no callback')
  scope.use(following(async () => {
    const ready = (await podsSeenBy(api, 'callback')).find(({ isReady }) => isReady)
    if (ready !== undefined) provider.providerEndpoint = endpointOf(ready)
  }))
  const parts = scope.move()
  return { ...zts, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}

const endpointOf = ({ ip }: Replica): string => `https://${ip}:${PORT}`

/** Looks again and again until disposed; a look that fails is followed by another. */
function following(look: () => Promise<void>): AsyncDisposable {
  const stop = new AbortController()
  const running = (async () => {
    while (!stop.signal.aborted) {
      await look().catch(() => undefined)
      await systemClock.sleep(LOOK_MS, stop.signal).catch(() => undefined)
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stop.abort()
      await running
    },
  }
}
