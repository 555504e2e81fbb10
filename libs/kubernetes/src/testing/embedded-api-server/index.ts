export { API_AUDIENCE } from './authn.ts'
export type { Rule } from './authz.ts'
export type { Faults } from './faults.ts'
export type { CallRecord, ServerCredentials } from './http.ts'
export {
  type EmbeddedApiServer,
  type EmbeddedApiServerOptions,
  type EmbeddedNode,
  type EmbeddedWorld,
  startEmbeddedApiServer,
} from './server.ts'
