export * from './embedded-zts/index.ts'
export { type AskedCallback, type CallbackReply, startTestCallback, type TestCallback, yes } from './test-callback.ts'
