export { type Answer, answerFrom, overSocket, overTls, type TlsCaller } from './calls.ts'
export { csrFor, csrWithBrokenSignature } from './csr.ts'
export { eventually } from './eventually.ts'
export { type Documented, documentedMetrics, familiesIn, type Family } from './metrics-text.ts'
export { openssl } from './openssl.ts'
export { type ContainerObject, hasEnded, isRunning, isSidecar, phaseOf, podIpOf, type PodName, type PodObject, type VolumeObject } from './pod-object.ts'
export {
  certificateOf,
  createPod,
  createPodOf,
  credentialsOf,
  deletePod,
  getPod,
  handleOf,
  IDENTITY_VOLUME,
  launch,
  logged,
  podManifest,
  type PodRequest,
  renewed,
  request,
  serialOf,
  SERVING,
  SERVING_PORT,
  tokenOf,
  TRIGGER,
  untilGone,
  waitForLog,
  waitForPod,
} from './pods.ts'
export { leaksIn, secretsIn } from './secrets.ts'
export type {
  Athenz,
  Call,
  ExecResult,
  LogRecord,
  NodeOfPods,
  ProgramName,
  Programs,
  WorkloadName,
  Workloads,
  World,
} from './world.ts'
