export { FakeClock } from '@pallas/host/testing'
export { memoryLog, type MemoryLog } from './memory-log.ts'
export { type VersionedDirectory, versionedDirectory } from './versioned-directory.ts'
export { testMetrics, type TestMetrics } from './test-metrics.ts'
