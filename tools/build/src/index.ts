export { bundleForNode, type BundleOptions } from './bundle-for-node.ts'
export { nodeFlagsOf, REPOSITORY } from './repository.ts'
