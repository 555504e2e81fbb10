/** The network here enforces no policy, so they are read: every flow of the suite is let through, and others are not. */
import { expect, test } from 'vitest'
import { containersOf, type Deployed, deployed, podSpecOf, read } from './testing/deployed.ts'
import { type Flow, isAllowed, type Labels, parsePolicy, type Party, type Policy, type PodParty } from './testing/network-policies.ts'

const manifests = deployed('base', 'overlays/trial')
const policies = manifests.filter(({ kind }) => kind === 'NetworkPolicy').map(parsePolicy)

const OURS = 'k8s-admin'
const workload = (name: string): Deployed => {
  const found = manifests.find(({ kind, metadata }) => (kind === 'Deployment' || kind === 'DaemonSet') && metadata.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** With the labels that its pods get. */
const podOf = (name: string): PodParty => ({ namespace: OURS, labels: workload(name).spec?.template?.metadata?.labels ?? {} })
const podIn = (namespace: string, labels: Labels = {}, namespaceLabels: Labels = {}): Party => ({ namespace, labels, namespaceLabels })

const agent = podOf('athenz-identity-agent')
const jwtService = podOf('athenz-jwt-service')
const callback = podOf('athenz-callback')
const initializer = podOf('athenz-initializer')
const trialZts = podOf('athenz-trial-zts')
const control = { agent, jwtService, callback, initializer }
const scraper = podIn('monitoring', { 'app.kubernetes.io/name': 'prometheus' }, { 'athenz.io/metrics': 'true' })
const application = podIn('shop', { app: 'web' })

interface Port {
  readonly name: string
  readonly containerPort: number
}

/** As its container says. */
const portOf = (name: string, port: string): number => {
  const containers = containersOf(podSpecOf(workload(name))!) as readonly { readonly ports?: readonly Port[] }[]
  return containers.flatMap(({ ports = [] }) => ports).find((it) => it.name === port)!.containerPort
}
/** Of the URL in an argument. */
const portIn = (name: string, flag: string): number => {
  const arg = containersOf(podSpecOf(workload(name))!).flatMap(({ args = [] }) => args).find((it) => it.startsWith(`--${flag}=`))
  return Number(/:(\d+)/.exec(arg?.slice(`--${flag}=https:`.length) ?? '')?.[1])
}
/** Where an API server answers: its Service, and what is usual behind it. */
const API = [443, 6443, 8443]
/** Where a ZTS answers: its own default, behind a Service or a balancer, and as many set it up. */
const ZTS = [4443, 443, 8443]

const tcp = (from: Party, to: Party, port: number): Flow => ({ from, to, port, protocol: 'TCP' })
const webhookPort = (): number => {
  const [{ clientConfig }] = (read('base/webhook.yaml')[0] as unknown as { readonly webhooks: readonly [{ readonly clientConfig: { readonly service: { readonly port: number } } }] }).webhooks
  return clientConfig.service.port
}

test('the ports are those of the manifests', () => {
  expect([portIn('athenz-identity-agent', 'pod-endpoint'), portIn('athenz-identity-agent', 'jwt-endpoint')]).toEqual([10_250, portOf('athenz-jwt-service', 'https')])
  expect(webhookPort()).toBe(portOf('athenz-initializer', 'https'))
})

type Told = readonly [what: string, flows: readonly Flow[]]

const FLOWS: readonly Told[] = [
  ['an agent asks the JWT service for documents', [tcp(agent, jwtService, portIn('athenz-identity-agent', 'jwt-endpoint'))]],
  ['an agent asks ZTS for certificates', ZTS.map((port) => tcp(agent, 'outside', port))],
  ['an agent asks the kubelet of its node for pods', [tcp(agent, 'outside', portIn('athenz-identity-agent', 'pod-endpoint'))]],
  ['an agent writes Events at the API server', API.map((port) => tcp(agent, 'outside', port))],
  ['the JWT service and the callback get certificates of ZTS by athenz-control-sia', [jwtService, callback].flatMap((from) => ZTS.map((port) => tcp(from, 'outside', port)))],
  ['the JWT service, the callback and the initializer ask the API server', [jwtService, callback, initializer].flatMap((from) => API.map((port) => tcp(from, 'outside', port)))],
  ['ZTS asks the callback, from outside or another namespace', ['outside' as const, podIn('athenz', { app: 'zts' })].map((from) => tcp(from, callback, portOf('athenz-callback', 'https')))],
  ['the API server asks the initializer', [tcp('outside', initializer, webhookPort())]],
  ['whoever scrapes sees the metrics of all', Object.values(control).map((to) => tcp(scraper, to, 9090))],
  ['the kubelet probes its pods', Object.values(control).map((to) => tcp('its node', to, 9090))],
  ['names are looked up', [...Object.values(control), trialZts].flatMap((from) => (['UDP', 'TCP'] as const).map((protocol) => ({ from, to: podIn('kube-system', { 'k8s-app': 'kube-dns' }), port: 53, protocol })))],
  ['the ZTS of the trial is asked by all that need it, and asks the callback', [...[agent, jwtService, callback].map((from) => tcp(from, trialZts, 4443)), tcp(trialZts, callback, portOf('athenz-callback', 'https'))]],
]

test.each(FLOWS)('%s', (_what, flows) => {
  expect(flows.length).toBeGreaterThan(0)
  expect(flows.filter((flow) => !isAllowed(policies, flow))).toEqual([])
})

const everybody: readonly Party[] = [...Object.values(control), trialZts, application, scraper, podIn('kube-system'), 'outside']

const OTHERS: readonly Told[] = [
  ['nobody calls an agent, but for its metrics', everybody.flatMap((from) => [22, 443, 4443, 8080, 10_250].map((port) => tcp(from, agent, port)))],
  ['nobody but agents calls the JWT service', everybody.filter((from) => from !== agent).map((from) => tcp(from, jwtService, 4443))],
  ['what only looks like an agent, in another namespace, is none', [tcp(podIn('shop', agent.labels), jwtService, 4443), tcp(podIn('athenz-leases', agent.labels), jwtService, 4443)]],
  ['metrics are not for everybody', everybody.filter((from) => from !== scraper).flatMap((from) => Object.values(control).map((to) => tcp(from, to, 9090)))],
  ['who may scrape may nothing else', [jwtService, agent].map((to) => tcp(scraper, to, 4443))],
  ['only agents call kubelets', [jwtService, callback, initializer, trialZts].map((from) => tcp(from, 'outside', 10_250))],
  ['nobody of the suite calls anything else of a node, or the web', Object.values(control).flatMap((from) => [22, 80, 2379, 2380, 8080, 10_255, 10_257, 10_259].map((port) => tcp(from, 'outside', port)))],
  ['the initializer calls nobody of the suite, nor ZTS where it is usual', [jwtService, callback, trialZts, 'outside' as const].map((to) => tcp(initializer, to, 4443))],
  ['the ZTS of the trial calls the callback alone', [...[agent, jwtService, initializer].map((to) => tcp(trialZts, to, 4443)), ...API.map((port) => tcp(trialZts, 'outside', port))]],
  ['a pod that is no part of the suite has no network in its namespace', [tcp(podIn(OURS, { app: 'guest' }), 'outside', 443), tcp(podIn(OURS, { app: 'guest' }), jwtService, 4443), tcp('outside', podIn(OURS, { app: 'guest' }), 4443), tcp(application, podIn(OURS), 80)]],
  ['nothing comes or goes where the Leases are', [tcp(podIn('athenz-leases'), 'outside', 443), tcp(podIn('athenz-leases'), callback, 9090), tcp('outside', podIn('athenz-leases'), 443)]],
]

test.each(OTHERS)('%s: not let through', (_what, flows) => {
  expect(flows.length).toBeGreaterThan(0)
  expect(flows.filter((flow) => isAllowed(policies, flow))).toEqual([])
})

const isAsTold = (some: readonly Policy[]): boolean =>
  FLOWS.flatMap(([, flows]) => flows).every((flow) => isAllowed(some, flow)) && !OTHERS.flatMap(([, flows]) => flows).some((flow) => isAllowed(some, flow))

test.each(policies.map((policy) => [`${policy.name} in ${policy.namespace}`, policy] as const))('without %s it would be otherwise', (_name, policy) => {
  expect(isAsTold(policies)).toBe(true)
  expect(isAsTold(policies.filter((it) => it !== policy))).toBe(false)
})

test.each(policies.flatMap(narrowings))('$what is in use', ({ narrower }) => {
  expect(isAsTold(narrower)).toBe(false)
})

/** The policies, each time with one port less that is open to everybody; what is open to some stays when an overlay narrows that. */
function narrowings(policy: Policy): { readonly what: string; readonly narrower: readonly Policy[] }[] {
  return (['ingress', 'egress'] as const).flatMap((direction) =>
    (policy[direction] ?? []).filter(({ peers }) => peers === undefined).flatMap((rule) =>
      (rule.ports ?? []).map(({ protocol, port }) => {
        const less = { ...rule, ports: rule.ports?.filter((it) => it.port !== port || it.protocol !== protocol) }
        const narrower = { ...policy, [direction]: policy[direction]?.map((it) => (it === rule ? less : it)) }
        return { what: `${direction} ${protocol} ${port} of ${policy.name}`, narrower: policies.map((it) => (it === policy ? narrower : it)) }
      }),
    ),
  )
}

test('names are looked up at port 53 alone', () => {
  expect([53, 54, 443, 4443].map((port) => isAllowed(policies, { from: callback, to: 'outside', port, protocol: 'UDP' }))).toEqual([true, false, false, false])
})

test('pods of applications are none of our business', () => {
  expect(isAllowed(policies, tcp(application, 'outside', 22))).toBe(true)
  expect(isAllowed(policies, tcp('outside', application, 80))).toBe(true)
})

const policyOf = (spec: object) => () => parsePolicy({ metadata: { name: 'x', namespace: OURS }, spec: { podSelector: {}, policyTypes: ['Ingress'], ...spec } })

test.each([
  ['a selector by expression', { podSelector: { matchExpressions: [] } }],
  ['a peer by address', { ingress: [{ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }] }] }],
  ['a range of ports', { ingress: [{ ports: [{ protocol: 'TCP', port: 1, endPort: 9 }] }] }],
  ['a port by name', { ingress: [{ ports: [{ protocol: 'TCP', port: 'https' }] }] }],
  ['a rule of the other direction', { ingress: [{ to: [] }] }],
  ['a field of its own', { tier: 'admin' }],
])('%s is not judged here, and says so', (_what, spec) => {
  expect(policyOf(spec)).toThrow(TypeError)
})
