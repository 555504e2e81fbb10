/** Single replicas of the suite's servers: replaced, and asked at their admin listeners. */
import { eventually, type ProgramName } from '@pallas/suite'
import { kubectl } from '../kubectl.ts'
import { ADMIN_NAMESPACE } from '../world/names.ts'
import { podsOf, type Replica } from '../world/replicas.ts'

const ADMIN_PORT = 9090
const ANSWER_MS = 5_000
const START_MS = 90_000

/** The next one of a replica that is asked to end; it runs, ready or not. */
export async function replaceOne(name: ProgramName): Promise<Replica> {
  const before = await podsOf(name)
  const old = before.find(({ isReady }) => isReady)
  if (old === undefined) throw new Error(`no replica of ${name} is ready`)
  await kubectl(['delete', 'pod', old.name, `--namespace=${ADMIN_NAMESPACE}`, '--wait=false'])
  const known = before.map(({ uid }) => uid)
  const isNext = ({ uid, ip }: Replica): boolean => !known.includes(uid) && ip !== ''
  return eventually(`the next replica of ${name}`, async () => (await podsOf(name)).find(isNext), START_MS)
}

export async function readyReplica(name: ProgramName, uid?: string): Promise<Replica> {
  const isIt = (replica: Replica): boolean => replica.isReady && (uid === undefined || replica.uid === uid)
  return eventually(`a replica of ${name} that is ready`, async () => (await podsOf(name)).find(isIt), START_MS)
}

async function adminPage({ ip }: Replica, path: string): Promise<string> {
  const response = await fetch(`http://${ip}:${ADMIN_PORT}${path}`, { signal: AbortSignal.timeout(ANSWER_MS) })
  return response.text()
}

/** Why it is not ready, check by check; empty when it is. Undefined while it says nothing. */
export async function problemsOf(replica: Replica): Promise<Readonly<Record<string, string>> | undefined> {
  const text = await adminPage(replica, '/readyz').catch(() => undefined)
  if (text === undefined) return undefined
  return (JSON.parse(text) as { readonly checks?: Readonly<Record<string, string>> }).checks ?? {}
}

/** Sum of a metric's series of which these are among the labels (as they are written, `name="value"`). */
export async function metricOf(replica: Replica, name: string, label = ''): Promise<number> {
  const lines = (await adminPage(replica, '/metrics')).split('\n')
  return lines
    .filter((line) => (line.startsWith(`${name} `) || line.startsWith(`${name}{`)) && line.includes(label))
    .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}

/** Over all replicas that are ready. */
export async function metricOfAll(program: ProgramName, name: string, label = ''): Promise<number> {
  const replicas = (await podsOf(program)).filter(({ isReady }) => isReady)
  const values = await Promise.all(replicas.map((replica) => metricOf(replica, name, label)))
  return values.reduce((sum, value) => sum + value, 0)
}
