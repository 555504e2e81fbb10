/** A callback's verdict in a world of plain values: pods, records and used documents that a test looks into. */
import { type ClientIpPolicy, IdentityError, type NameRules, type Pod } from '@pallas/identity'
import { aPod, someNameRules } from '@pallas/identity/testing'
import { FakeClock } from '@pallas/runtime/testing'
import { createPace } from '@pallas/service'
import type { InstanceAttributes, InstanceConfirmation } from '@pallas/zts'
import { confirm, type ConfirmDeps } from '../confirm.ts'
import type { ConfirmationFacts } from '../events.ts'
import type { InstanceRecord } from '../instance-records.ts'
import { parsePublicKey } from '../public-key.ts'
import { claimsFor, ecKeyPair, es256, KEY_ID } from './documents.ts'

export const NOW = Date.parse('2030-01-01T00:00:00Z')
export const PROVIDER = 'k8s.admin.athenz-callback'
const keys = ecKeyPair()
const published = new Map([[KEY_ID, parsePublicKey(keys.publicPem)]])
export const pod = aPod()

export interface World {
  readonly pods: Pod[]
  readonly recorded: InstanceRecord[]
  readonly used: Set<string>
  readonly names: NameRules
  readonly clientIp: ClientIpPolicy
  readonly other: Partial<ConfirmDeps>
}

export const aWorld = (other: Partial<World> = {}): World => ({
  pods: [pod],
  recorded: [],
  used: new Set(),
  names: someNameRules(),
  clientIp: { kind: 'ignore' },
  other: {},
  ...other,
})

const depsOf = ({ pods, recorded, used, names, clientIp, other }: World): ConfirmDeps => ({
  provider: PROVIDER,
  names: () => names,
  keyOf: (id) => published.get(id),
  clock: { now: () => NOW },
  findPod: async ({ namespace, name }) => pods.find((it) => it.namespace === namespace && it.name === name),
  clientIpPolicyFor: async () => clientIp,
  instances: {
    record: async (instance) => void recorded.push(instance),
    isRecorded: async (id) => recorded.some(({ instanceId }) => instanceId === id),
  },
  accounts: [],
  signatureOf: async () => 'good',
  podByUid: () => undefined,
  review: async () => ({ authenticated: false }),
  paces: { pod: createPace({ clock: new FakeClock(), burst: 6, refillMs: 1 }), all: createPace({ clock: new FakeClock(), burst: 6, refillMs: 1 }) },
  reviewing: (work) => work(),
  events: { tokenReviewed: (review) => review() },
  useOnce: async ({ jti }) => !used.has(jti) && used.add(jti).has(jti),
  ...other,
})

export const goodAttributes: InstanceAttributes = {
  instanceId: pod.uid,
  clientIp: '10.9.9.9',
  sanDns: ['web.media-on-air.svc.cluster.local', `${pod.uid}.instanceid.athenz.svc.cluster.local`],
  sanIp: ['10.1.2.3'],
  sanUri: ['spiffe://media.on-air/sa/web'],
  hostname: undefined,
  principal: undefined,
  cloud: undefined,
}

export const documentFor = (of: Pod = pod, claims: Parameters<typeof claimsFor>[2] = {}) => es256(
  keys.privateKey,
  claimsFor(NOW, of, claims),
)

export const aRequest = (other: Partial<InstanceConfirmation> = {}): InstanceConfirmation => ({
  provider: PROVIDER,
  domain: 'media.on-air',
  service: 'web',
  attestationData: documentFor(),
  attributes: goodAttributes,
  ...other,
})

export const attributes = (other: Partial<InstanceAttributes>) => ({ attributes: { ...goodAttributes, ...other } })

export interface Outcome {
  readonly code: string
  readonly kind: string
  readonly facts: ConfirmationFacts
}

export async function ask(world: World, request: InstanceConfirmation = aRequest(), refresh = false): Promise<Outcome> {
  const facts: ConfirmationFacts = {}
  const note = (more: ConfirmationFacts) => void Object.assign(facts, more)
  try {
    await confirm({ request, refresh, note }, depsOf(world))
    return { code: 'OK', kind: 'allowed', facts }
  } catch (error) {
    if (!(error instanceof IdentityError)) throw error
    return { code: error.code, kind: error.kind, facts }
  }
}
