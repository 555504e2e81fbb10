export {
  AGENT_ROUTES,
  type Credentials,
  credentialsAnswer,
  type CredentialsAnswer,
  type CsrRequest,
  formatKeyWish,
  type KeyWish,
  type NamesAnswer,
  type Pair,
  type PairRequest,
  parseCredentialsAnswer,
  parseInitRequest,
  parseNamesAnswer,
  parseRefreshRequest,
} from './agent-api.ts'
export { type AgentClient, type AgentClientOptions, createAgentClient } from './agent-client.ts'
export { type ErrorBody, type RefusedAnswer, refusalOf } from './error-body.ts'
export {
  JWT_ROUTES,
  type JwtAnswer,
  jwtRequest,
  type JwtRequest,
  parseJwtAnswer,
  parseJwtRequest,
  type SubjectRequest,
} from './jwt-api.ts'
export { createJwtClient, type JwtClient, type JwtExchange, type JwtExchangeAnswer } from './jwt-client.ts'
export {
  formatVolumeContext,
  formatVolumeData,
  type Handle,
  isHandle,
  isPodUid,
  type IssuedCertificate,
  parseHandle,
  parseVolumeContext,
  parseVolumeData,
  SOCKET_PATH_LIMIT,
  SOCKETS,
  VOLUME_MODES,
  type VolumeContext,
  type VolumeData,
  volumePaths,
} from './volume-layout.ts'
