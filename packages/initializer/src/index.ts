export { program, type InitializerSettings } from './settings.ts'
export { type Initializer, type InitializerDeps, startInitializer } from './start.ts'
