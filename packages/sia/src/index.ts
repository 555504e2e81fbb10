export { controlProgram, type ControlSettings } from './control/control-settings.ts'
export { type Due, keepFresh, type Renewable } from './loop/keep-fresh.ts'
export { program, type SiaSettings } from './settings/settings.ts'
export { type WriteDeps, writeCredentials } from './output/write-credentials.ts'
