export { controlProgram, type ControlSettings } from './control-settings.ts'
export { type Due, keepFresh, type Renewable } from './keep-fresh.ts'
export { program, type SiaSettings } from './settings.ts'
export { type WriteDeps, writeCredentials } from './write-credentials.ts'
/** What the loop goes by, for whoever runs it in virtual time. */
export { type Lifetime, renewAt } from '@pallas/credentials'
