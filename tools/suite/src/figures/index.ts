export { type Figure, type FigureOptions, spread, type Unit, value, type ValueOptions } from './figure.ts'
export { interleave, type InterleaveOptions, ratioOf, rotated, type Variant } from './interleave.ts'
export { type RunnableBench, runBenches, type RunTerms } from './run-benches.ts'
export { medianOf, type Summary, summaryOf } from './statistics.ts'
