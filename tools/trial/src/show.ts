/** `npm run trial`: makes the keys, applies the suite, then two pods, and shows what they were given. */
import { X509Certificate } from 'node:crypto'
import type { ClusterAtHand } from './cluster-at-hand.ts'
import { type Identity, readIdentity, waitForMeeting } from './evidence.ts'
import { waitForExample } from './example.ts'
import { existingMaterial, refuseOccupied, refuseSuiteOfTests } from './existing.ts'
import { ZTS_FILES } from './in-cluster/zts-files.ts'
import type { Kubectl } from './kubectl.ts'
import { makeMaterial } from './material.ts'
import { ADMIN_NAMESPACE, DEFAULT_PLUGIN_DIR, EXAMPLE, FIELD_MANAGER, ZTS } from './names.ts'
import { type Manifest, render, toYaml } from './render.ts'
import { type WaitDeps, waitForWorkloads } from './wait.ts'
import type { Pod } from './workloads.ts'

export interface ShowOptions {
  readonly cluster: ClusterAtHand
  readonly deps: Omit<WaitDeps, 'kubectl'>
  readonly timeoutMs: number
}

const APPLY_TIMEOUT_MS = 60_000

export async function show({ cluster, deps, timeoutMs }: ShowOptions): Promise<void> {
  const { kubectl, pluginDir, typed } = cluster
  const { clock, say } = deps
  const wait: WaitDeps = { ...deps, kubectl }
  say(`Kubernetes ${cluster.version}${placeOf(cluster)}; volume drivers in ${pluginDir ?? DEFAULT_PLUGIN_DIR}`)
  await refuseOccupied(kubectl)
  await refuseSuiteOfTests(kubectl)
  const old = await existingMaterial(kubectl)
  say(old === undefined ? 'Making the keys: authority, ZTS, control plane, documents' : 'Keeping the keys of the trial that is there')
  const material = old ?? (await makeMaterial())
  const { suite, example } = await render({ material, pluginDir, kubectl })

  say('Applying the suite and its ZTS')
  const start = clock.monotonic()
  await apply(kubectl, suite)
  await waitForWorkloads(wait, { namespace: ADMIN_NAMESPACE, until: clock.monotonic() + timeoutMs })

  say('Applying two pods that ask for an identity')
  await apply(kubectl, example)
  const pods = await waitForExample(wait, { until: clock.monotonic() + timeoutMs, pluginDir: pluginDir ?? DEFAULT_PLUGIN_DIR })
  const authority = material.secrets[ZTS][ZTS_FILES.caCert] ?? ''
  const identity = await readIdentity(kubectl, 'web', authority)
  const meeting = await waitForMeeting(wait, clock.monotonic() + timeoutMs)

  tellIdentity(identity, pods, say)
  say(`client called web over mutual TLS: it reached ${meeting.reached} and was known as ${meeting.youAre}`)
  say(`All of it ${((clock.monotonic() - start) / 1_000).toFixed(1)} s after the first apply.`)
  tour(typed, new X509Certificate(authority).subject, say)
}

const placeOf = ({ server }: Pick<ClusterAtHand, 'server'>): string => (server === '' ? '' : ` at ${server}`)

/** Server-side, so that what the suite itself keeps (the roots of its webhook) stays with the suite. */
async function apply(kubectl: Kubectl, manifests: readonly Manifest[]): Promise<void> {
  const args = ['apply', '--server-side', '--force-conflicts', `--field-manager=${FIELD_MANAGER}`, '--validate=strict', '--filename=-']
  await kubectl(args, { input: toYaml(manifests), timeoutMs: APPLY_TIMEOUT_MS })
}

function tellIdentity({ subject, names, issuer, notBefore, notAfter, verdict }: Identity, pods: readonly Pod[], say: (line: string) => void): void {
  const pod = pods.find(({ metadata }) => metadata.name.startsWith('web-'))
  say('')
  say(`${pod?.metadata.name ?? 'web'} has an identity${readyAfter(pod)}; nothing in its spec is a secret`)
  say(`  subject  ${subject}`)
  say(`  names    ${names.join('\n           ')}`)
  say(`  issuer   ${issuer}`)
  say(`  valid    ${notBefore} … ${notAfter}`)
  say(`  ${verdict}`)
}

/** As far as whole seconds tell. */
function readyAfter(pod: Pod | undefined): string {
  const ready = pod?.status.conditions?.find(({ type }) => type === 'Ready')
  if (pod === undefined || ready === undefined) return ''
  return `, Ready ${(Date.parse(ready.lastTransitionTime) - Date.parse(pod.metadata.creationTimestamp)) / 1_000} s after it was created`
}

function tour(typed: string, authority: string, say: (line: string) => void): void {
  say('')
  say(`Look around (${authority} is the authority that was made for this trial):`)
  say(`  ${typed} -n ${EXAMPLE.namespace} get pod -l app.kubernetes.io/name=web -o yaml      # volume, init container and refresher were injected`)
  say(`  ${typed} -n ${EXAMPLE.namespace} logs deployment/client -f`)
  say(`  ${typed} -n ${ADMIN_NAMESPACE} logs daemonset/athenz-identity-agent`)
  say(`  ${typed} apply -f deploy/example/deployment.yaml      # one of your own`)
  say('  npm run trial -- --delete')
}
