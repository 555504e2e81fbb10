export { controlProgram, type ControlSettings } from './control-settings.ts'
export { runControlSia, runSia } from './program.ts'
export { program, type SiaSettings } from './settings.ts'
