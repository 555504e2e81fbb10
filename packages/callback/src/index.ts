export { type CallbackSettings, program } from './settings.ts'
export { type Callback, type CallbackDeps, startCallback } from './start.ts'
