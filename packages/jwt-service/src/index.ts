export { type JwtServiceSettings, program } from './settings.ts'
export { type JwtService, type JwtServiceDeps, startJwtService } from './start.ts'
