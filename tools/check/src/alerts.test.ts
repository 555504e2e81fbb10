import { expect, test } from 'vitest'
import { alertProblems } from './alerts.ts'

const alert = (expr: string) => `  - alert: Bad\n    expr: ${expr}\n`
const operations = '| `Bad` | look |\n| `athenz_a_total` | counter |\n| `athenz_b_total` | counter |\n'

test('an alert on a metric that is there, with its line of advice, is fine', () => {
  expect(alertProblems(alert('increase(athenz_a_total[5m]) > 0'), operations)).toEqual([])
})

test.each([
  ['a metric that nobody exposes', alert('athenz_c_total > 0'), operations, 'athenz_c_total'],
  ['one member of a family that nobody exposes', alert(`'{__name__=~"athenz_(a|b|c)_total"} > 0'`), operations, 'athenz_c_total'],
  ['an alert without advice', alert('athenz_a_total > 0'), operations.replace('Bad', 'Good'), 'Bad has no line'],
  ['no alerts at all', '', operations, 'no alerts'],
])('%s is told', (_what, alerts, page, problem) => {
  expect(alertProblems(alerts, page).join()).toContain(problem)
})
