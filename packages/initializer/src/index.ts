export { program, type InitializerSettings } from './settings.ts'
export { type Initializer, type InitializerDeps, startInitializer } from './start.ts'
export { renderPolicy, type RenderOptions } from './policy/render.ts'
export { policyProgram } from './policy/settings.ts'
