/** A process that loads a server: the plan is the JSON file it is given, the outcome is JSON on stdout. */
import { readFileSync } from 'node:fs'
import { load, type Plan } from './load.ts'

const plan = JSON.parse(readFileSync(process.argv[2] ?? '', 'utf8')) as Plan
process.stdout.write(JSON.stringify(await load(plan)))
