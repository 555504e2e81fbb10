export { type NodeKey, nodeKey, nodeKeyOf, nodeVerify, spkiOf } from './node-keys.ts'
export { type Issued, type IssueOptions, type Requested, TestCa, type TestCaOptions } from './test-ca.ts'
