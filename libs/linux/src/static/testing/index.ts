export { type Answered, type Asked, fromWire, type Mark, type ThrownError, toWire } from './wire.ts'
