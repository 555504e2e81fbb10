export { aPod, someNameRules } from './samples.ts'
