export { controlProgram, type ControlSettings } from './control-settings.ts'
export { program, type SiaSettings } from './settings.ts'
