/** A run as a table for a terminal, and as the same table in Markdown. */
import type { Figure } from './figure.ts'
import { LINES } from './lines.ts'
import type { MachineFacts } from './machine.ts'

const HEAD = ['what', 'unit', 'n', 'min', 'p50', 'p95', 'p99', 'max', 'line'] as const

export function textTable(figures: readonly Figure[]): string {
  const rows = [HEAD, ...figures.map(rowOf)]
  const widths = HEAD.map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)))
  const line = (row: readonly string[]) => row.map((cell, i) => pad(cell, widths[i] ?? 0, isNumber(i))).join('  ').trimEnd()
  return rows.map(line).join('\n')
}

export function markdownTable(figures: readonly Figure[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const rule = HEAD.map((_, i) => (isNumber(i) ? '--:' : '---'))
  return [line(HEAD), `|${rule.join('|')}|`, ...figures.map((figure) => line(rowOf(figure)))].join('\n')
}

/** Lines and notes below the table, each once. */
export function footnotes(figures: readonly Figure[]): string[] {
  const lines = figures.flatMap(({ line, met }) => (line === undefined ? [] : [`${met === true ? 'met   ' : 'MISSED'} ${LINES[line].text}`]))
  const notes = figures.flatMap(({ name, notes }) => notes.map((note) => `${name}: ${note}`))
  return [...new Set([...lines, ...notes])]
}

export function machineLine(facts: MachineFacts): string {
  const { cpu, cores, memoryGiB, kernel, node, commit, loadBefore, at, isolation } = facts
  const load = loadBefore.map((it) => it.toFixed(2)).join(' ')
  return `${at}: ${cpu}, ${cores} cores, ${memoryGiB} GiB, Linux ${kernel}, Node ${node}, commit ${commit}, load before ${load}, isolation ${isolation}`
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
