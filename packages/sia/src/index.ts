export { controlProgram, type ControlSettings } from './control/control-settings.ts'
export { program, type SiaSettings } from './settings/settings.ts'
export { type WriteDeps, writeCredentials } from './output/write-credentials.ts'
