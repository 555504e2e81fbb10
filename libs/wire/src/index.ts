export {
  AGENT_ROUTES,
  type CredentialsAnswer,
  type CsrRequest,
  type NamesAnswer,
  type PairRequest,
} from './agent-api.ts'
export { type ErrorBody, errorOf } from './error-body.ts'
export { JWT_ROUTES, type JwtAnswer, type JwtRequest } from './jwt-api.ts'
export {
  formatVolumeContext,
  formatVolumeData,
  type Handle,
  isHandle,
  isPodUid,
  parseHandle,
  parseVolumeContext,
  parseVolumeData,
  SOCKET_PATH_LIMIT,
  VOLUME_MODES,
  type VolumeContext,
  type VolumeData,
  volumePaths,
} from './volume-layout.ts'
