/** The volume driver as a file on the host: source for the agent to install, and where the kubelet then finds it. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { FLEX_DRIVER } from './names.ts'
import type { Isolation } from './namespace.ts'
import { behindDoor, type Home } from './programs.ts'
import type { State } from './state.ts'

export interface DriverFiles {
  readonly source: string
  readonly target: string
}

export function driverFiles(state: State): DriverFiles {
  const [vendor, driver] = FLEX_DRIVER.split('/')
  return { source: join(state.dir, 'athenz-volume-driver'), target: join(state.plugins, `${vendor}~${driver}`, `${driver}`) }
}

export function installDriver(state: State, isolation: Isolation, home: Home): DriverFiles {
  const { source, target } = driverFiles(state)
  mkdirSync(dirname(target))
  putProgram(source, home)
  const mounter = isolation === 'mount-namespace' ? 'bind' : 'link'
  const settings = { volumesDir: state.volumes, handleKeyFile: state.handleKey, mounter }
  writeFileSync(state.driverSettings, JSON.stringify(settings), { mode: 0o600 })
  return { source, target }
}

function putProgram(source: string, home: Home): void {
  const argv = behindDoor(home).driver
  const [file = ''] = argv
  if (home === 'static') copyFileSync(file, source)
  else writeFileSync(source, `#!/bin/sh\nexec ${argv.map((word) => `'${word}'`).join(' ')} "$@"\n`)
  chmodSync(source, 0o755)
}
