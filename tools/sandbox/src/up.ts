/** Brings the sandbox up, tells the story, and either ends with the evidence or stays up until asked to stop. */
import { join } from 'node:path'
import { lightBeacon } from './beacon.ts'
import { startCluster } from './cluster.ts'
import { runDemo } from './demo.ts'
import { writeEvidence } from './evidence.ts'
import { ADMIN_USER } from './names.ts'
import type { Isolation } from './namespace.ts'
import { narrator } from './narrate.ts'
import { ROLE_CERT } from './role-story.ts'
import { aborted, stopSignal, unlessAborted } from './stop-signal.ts'
import { createTimeline } from './timeline.ts'

export interface UpOptions {
  readonly once: boolean
  /** Where to leave the evidence; by default below the sandbox's own directory, which goes with it. */
  readonly out: string | undefined
  readonly isolation: Isolation
  readonly say: (line: string) => void
}

/** Exit code: 0, also when it was asked to stop on the way, or an exception with the reason. */
export async function up(options: UpOptions): Promise<number> {
  const stop = stopSignal()
  try {
    return await tell(options, stop)
  } catch (error) {
    if (stop.aborted) return 0
    throw error
  }
}

async function tell({ once, out: wanted, isolation, say }: UpOptions, stop: AbortSignal): Promise<number> {
  const timeline = createTimeline({ write: say, now: () => performance.now(), colour: process.stdout.isTTY && process.env['NO_COLOR'] === undefined })
  banner(isolation, say)
  timeline.chapter('Bringing up the suite')
  const start = performance.now()
  await using cluster = await startCluster({ isolation, events: narrator(timeline), signal: stop })
  stop.addEventListener('abort', () => timeline.close())
  const readyMs = performance.now() - start
  const demo = await unlessAborted(runDemo(cluster, timeline), stop)
  const out = wanted ?? join(cluster.state.dir, 'out')
  const endpoints = await writeEvidence(cluster, demo, out)
  say('')
  say(`ready in ${seconds(readyMs)}; first identity ${seconds(demo.firstIdentityMs)} after its pod was created; all in ${seconds(performance.now() - start)}`)
  say(`${once && wanted === undefined ? 'not kept without --out' : `left in ${out}`}: endpoints.json, ca.pem, credentials/, pods/<namespace>/<pod>/`)
  if (once) {
    timeline.close()
    return 0
  }
  const { api, pki, state } = cluster
  using _beacon = lightBeacon({ apiServer: api.url, ca: pki.kubernetesCa.chainPem, token: api.tokenFor(ADMIN_USER), logs: state.logs, kubeletRoot: state.kubeletRoot })
  tour(endpoints, out, state.logs, say)
  timeline.chapter('From here on, as it happens')
  await aborted(stop)
  say('\nstopping …')
  return 0
}

function banner(isolation: Isolation, say: (line: string) => void): void {
  say('Pallas sandbox: the whole suite on this machine; no Kubernetes, no root, no Docker; loopback only.')
  say('Weaker than a real node, on purpose: cgroups are files that the sandbox writes (--proc-root).')
  if (isolation === 'none') say('No mount namespace is allowed here: the driver links instead of mounting, containers see host paths.')
}

function tour(endpoints: string, out: string, logs: string, say: (line: string) => void): void {
  say('')
  say('Look around:')
  say(`  openssl x509 -noout -text -in ${out}/pods/shop/web-0/service.cert`)
  say(`  openssl verify -CAfile ${out}/ca.pem ${out}/pods/shop/web-0/service.cert`)
  say(`  openssl x509 -noout -subject -ext subjectAltName -in '${out}/pods/shop/reader-0/${ROLE_CERT}'`)
  say(`  cat ${endpoints}              # every party: URL or socket, CA, client credentials`)
  say(`  ls ${logs}                    # a log for each program and container`)
  say('Launch a pod of your own (in another terminal):')
  say('  npm start -- pod mine --service-account web')
  say('  npm start -- pod theirs --service-account stranger      # Athenz does not know it: see why it gets no identity')
  say('End with Ctrl-C.')
}

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`
