/** The programs that are built as static files, and the scripts that go into them. */

export interface StaticProgram {
  /** Of the file, and of the cargo binary. */
  readonly name: string
  /** Below the repository. */
  readonly entry: string
  /** Cargo features. */
  readonly features: readonly string[]
}

export const STATIC_PROGRAMS: readonly StaticProgram[] = [
  { name: 'athenz-volume-driver', entry: 'packages/volume-driver/src/static-main.ts', features: [] },
  { name: 'athenz-sia', entry: 'packages/sia/src/static-main.ts', features: ['network'] },
  { name: 'athenz-control-sia', entry: 'packages/sia/src/static-control-main.ts', features: ['network'] },
]

/** Serves the door to whoever holds its pipes: for the contract suite, never shipped. */
export const DOOR: StaticProgram = { name: 'door', entry: 'libs/linux/src/static/testing/door-main.ts', features: ['pipe'] }
