export { program } from './settings.ts'
export { type IdentityAgent, type IdentityAgentDeps, startIdentityAgent } from './start.ts'
