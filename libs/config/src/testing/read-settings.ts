import { readProgram, type Sources } from '../read.ts'
import type { Program, Schema, SettingsOf } from '../schema.ts'

/** The settings that a program would run with. Throws as it would, and where it would print something instead. */
export function readSettings<S extends Schema>(program: Program<S>, sources: Partial<Sources>): SettingsOf<Program<S>> {
  const reading = readProgram(program, { argv: [], env: {}, version: 'x', ...sources })
  if (reading.kind === 'print') throw new Error('the program would print, not run')
  return reading.settings
}
