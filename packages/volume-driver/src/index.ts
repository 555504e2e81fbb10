export { runDriver } from './run.ts'
export { driverProgram, SETTINGS_FILE, SETTINGS_VARIABLE } from './settings.ts'
