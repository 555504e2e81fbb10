/** The sandbox's pieces, for harnesses that stand on it. */
export { type Cluster, type ClusterOptions, startCluster } from './cluster.ts'
export type { ServerName } from './control-plane.ts'
export type { ClusterEvents } from './events.ts'
export { AGENT, NODE, PROVIDER, SIGNING_KEY, TRIGGER, ZTS_NAME } from './names.ts'
export { currentIsolation, type Isolation, runIsolated } from './namespace.ts'
export { type Program, startProgram } from './processes.ts'
export { run } from './programs.ts'
export { stopSignal } from './stop-signal.ts'
