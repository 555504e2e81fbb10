export { describeZts } from './contract.ts'
export type { ZtsUnderTest } from './contract-world.ts'
export * from './embedded-zts/index.ts'
