export * from './embedded-zts/index.ts'
export { type AskedCallback, type CallbackReply, startTestCallback, type TestCallback, yes } from './test-callback.ts'
export { readJws, type ReadJws, readRoleToken, type ReadRoleToken } from './published-keys.ts'
