export type { CallFacts, Operation, ZtsCall } from './calls.ts'
export type { CertificateDefect, RetryAfter, ZtsFaults } from './faults.ts'
export { type EmbeddedZts, type EmbeddedZtsOptions, startEmbeddedZts } from './server.ts'
export {
  addService,
  allowLaunch,
  allowRole,
  domainIn,
  type RoleSettings,
  type SmallWorld,
  worldOf,
  type ZtsAssertion,
  type ZtsDomain,
  type ZtsService,
  type ZtsWorld,
} from './world.ts'
