/** The last line of a check: all tests of its runs, counted in the file that is the only argument. */
import { closingLine, readCounts, sum } from './counts.ts'

const [path] = process.argv.slice(2)
if (path === undefined) throw new TypeError('use: total-main.ts FILE')
console.log(`\n${closingLine(sum(readCounts(path)))}`)
