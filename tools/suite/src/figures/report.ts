/** One run as one JSON file. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Figure } from './figure.ts'
import { LINES } from './lines.ts'
import type { MachineFacts } from './machine.ts'

export interface Report {
  readonly schema: 1
  readonly machine: MachineFacts
  readonly quick: boolean
  /** Share of all cores that was in use during the run, by whomever. */
  readonly busyShare: number
  readonly benches: readonly BenchReport[]
}

export interface BenchReport {
  readonly name: string
  readonly seconds: number
  /** Absent when it did not come to an end. */
  readonly figures?: readonly Figure[]
  readonly failure?: string
}

/** Every figure with the words of its line, so that the file can be read without the code. */
export function formatReport(report: Report): string {
  const benches = report.benches.map((bench) => ({
    ...bench,
    ...(bench.figures === undefined ? {} : { figures: bench.figures.map(flat) }),
  }))
  return `${JSON.stringify({ ...report, benches }, null, 2)}\n`
}

function flat(figure: Figure): Record<string, unknown> {
  const { name, unit, n, line, met, notes } = figure
  const measured = figure.kind === 'value' ? { value: figure.value } : { ...figure.of }
  const judged = line === undefined ? {} : { line: LINES[line].text, met }
  return { name, unit, n, ...measured, ...judged, notes }
}

export function writeReport(path: string, report: Report): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, formatReport(report))
}

/** `bench-results/2026-11-21T15-04-05Z.json`. */
export const defaultPlace = (at: string): string => `bench-results/${at.replace(/\.\d+/, '').replaceAll(':', '-')}.json`
