export { bundleForNode, type BundleOptions } from './bundle-for-node.ts'
export { nodeFlagsOf, REPOSITORY } from './repository.ts'
export { buildDoor, buildStatic, staticProgram, type StaticBuild, type StaticFile, type StaticOptions } from './static/build-static.ts'
export { StaticBuildError, type StaticBuildErrorCode } from './static/error.ts'
