/** Alerts speak of metrics that there are, and each has its line of advice. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const METRIC = /\bathenz_[a-z_]+/g

/** One sentence for each alert that nobody could act on. */
export function alertProblems(alerts: string, operations: string): string[] {
  const names = [...alerts.matchAll(/^ *- alert: (\S+)$/gm)].map(([, name = '']) => name)
  const plain = [...alerts.matchAll(/^ *expr: (.+)$/gm)].map(([, expr = '']) => expr).filter((expr) => !expr.includes('__name__'))
  const metrics = new Set(plain.flatMap((expr) => expr.match(METRIC) ?? []))
  const families = [...alerts.matchAll(/__name__=~"([^"]+)"/g)].flatMap(([, pattern = '']) => expand(pattern))
  return [
    ...(names.length === 0 ? ['there are no alerts'] : []),
    ...names.filter((name) => !operations.includes(`| \`${name}\` |`)).map((name) => `${name} has no line in docs/operations.md`),
    ...[...metrics, ...families].filter((name) => !operations.includes(`| \`${name}\` |`)).map((name) => `an alert asks for ${name}, which is no metric of docs/operations.md`),
  ]
}

/** `a_(b|c)_d|e` → `a_b_d`, `a_c_d`, `e`. */
function expand(pattern: string): string[] {
  const [, before, inner, after] = /^([^(|]*)\(([^)]*)\)([^|]*)/.exec(pattern) ?? []
  if (inner === undefined) return pattern.split('|').filter((it) => it !== '')
  const rest = pattern.slice(`${before}(${inner})${after}`.length).replace(/^\|/, '')
  return [...inner.split('|').map((it) => `${before}${it}${after}`), ...(rest === '' ? [] : expand(rest))]
}

export const readAlerts = (root: string): string[] =>
  alertProblems(readFileSync(join(root, 'deploy/monitoring/alerts.yaml'), 'utf8'), readFileSync(join(root, 'docs/operations.md'), 'utf8'))
