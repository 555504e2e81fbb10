/** The programs as a developer runs them. */
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/sandbox'
import { ENTRIES, type Entry } from './bundle.ts'

export const fromSource = (entry: Entry): readonly string[] => [
  process.execPath,
  '--disable-warning=ExperimentalWarning',
  join(REPOSITORY, ENTRIES[entry]),
]
