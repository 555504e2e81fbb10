export { CredentialsError, type CredentialsErrorCode } from './error.ts'
export {
  allOf,
  bundleOf,
  type CredentialSet,
  type OutputFile,
  outputFiles,
  type OutputPaths,
  type RoleCertificate,
  type RolePaths,
} from './output.ts'
export { type Due, DUE_NOW, keepFresh, type KeepFreshDeps, type Renewable } from './keep-fresh.ts'
export { patience, patienceOnce, worstOf } from './patience.ts'
export { directoriesOf, planPublication, type Publication, type SeenDirectory, type SeenEntry } from './publication.ts'
export {
  type Issue,
  type Lifetime,
  lifetimeOf,
  napBefore,
  renewAt,
  type RenewalState,
  renewalFor,
  type Waiting,
} from './renewal.ts'
export type { Step } from './step.ts'
