/** The programs as a developer runs them. */
import { run } from '@pallas/sandbox'
import { ENTRIES, type Entry } from './bundle.ts'

export const fromSource = (entry: Entry): readonly string[] => run(ENTRIES[entry])
