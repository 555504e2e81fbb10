export { actsAsAnybody } from './users.ts'
