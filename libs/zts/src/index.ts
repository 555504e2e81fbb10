export { createZtsClient, type ZtsClientOptions } from './client.ts'
export { ZtsError, type ZtsErrorCode, type ZtsErrorFacts } from './error.ts'
export {
  type CertificateTerms,
  formatConfirmationAnswer,
  type InstanceAttributes,
  type InstanceConfirmation,
  parseInstanceConfirmation,
  PROVIDER_ROUTES,
} from './provider-api.ts'
export type {
  InstanceIdentity,
  InstanceName,
  RefreshRequest,
  RegisterRequest,
  ServiceCertificate,
  ServiceRefreshRequest,
  Zts,
} from './zts.ts'
