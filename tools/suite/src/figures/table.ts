/** A run as a table for a terminal, and as the same table in Markdown. */
import type { Figure } from './figure.ts'
import { type LineId, LINES } from './lines.ts'
import type { MachineFacts } from './machine.ts'

const HEAD = ['what', 'unit', 'n', 'min', 'p50', 'p95', 'p99', 'max', 'line'] as const

export function textTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(rowOf)]
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  const cellsOf = (row: readonly string[]) => row.map((cell, i) => pad(cell, widths[i] ?? 0, isNumber(i)))
  return rows.map((row) => cellsOf(row).join('  ').trimEnd()).join('\n')
}

export function markdownTable(figures: readonly Figure[]): string {
  const rule = HEAD.map((_, i) => (isNumber(i) ? '--:' : '---'))
  return [markdownRow(HEAD), `|${rule.join('|')}|`, ...figures.map((it) => markdownRow(rowOf(it)))].join('\n')
}

const markdownRow = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`

const told = (line: LineId, met: boolean) => `${met ? 'met   ' : 'MISSED'} ${LINES[line].text}`

/** Lines and notes below the table, each once. */
export function footnotes(figures: readonly Figure[]): string[] {
  const lines = figures.flatMap(({ line, met }) => (line === undefined ? [] : [told(line, met === true)]))
  const notes = figures.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`))
  return [...new Set([...lines, ...notes])]
}

export function machineLine(facts: MachineFacts): string {
  const { cpu, cores, memoryGiB, kernel, node, commit, loadBefore, at, isolation } = facts
  const load = loadBefore.map((it) => it.toFixed(2)).join(' ')
  const machine = `${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}`
  return `${at}: ${machine}, commit ${commit}, load before ${load}, isolation ${isolation}`
}

function rowOf(figure: Figure): readonly string[] {
  const { name, unit, n, met } = figure
  const line = met === undefined ? '' : met ? 'met' : 'MISSED'
  if (figure.kind === 'value') return [name, unit, String(n), '', shown(figure.value), '', '', '', line]
  const { min, p50, p95, p99, max } = figure.of
  return [name, unit, String(n), ...[min, p50, p95, p99, max].map(shown), line]
}

/** Three significant digits, never in powers of ten. */
export function shown(number: number): string {
  if (!Number.isFinite(number)) return String(number)
  const size = Math.abs(number)
  if (size >= 100 || Number.isInteger(number)) return String(Math.round(number))
  return number.toFixed(size >= 10 ? 1 : 2)
}

const isNumber = (column: number): boolean => column >= 2 && column <= 7

function pad(text: string, width: number, left: boolean): string {
  const fill = ' '.repeat(Math.max(0, width - text.length))
  return left ? fill + text : text + fill
}
