/**
 * Everything the sandbox writes, below one short directory: socket paths end in it, and 107 bytes is all that they may have.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface State extends Disposable {
  readonly dir: string
  readonly volumes: string
  readonly handleKey: string
  readonly driverSettings: string
  readonly clusterConfig: string
  readonly kubeletRoot: string
  readonly procRoot: string
  readonly plugins: string
  readonly scratch: string
  readonly pki: string
  readonly logs: string
  readonly clocks: string
}

const LONGEST_PARENT = 16

/** A new directory of mode 0700, removed when disposed. */
export function openState(): State {
  const dir = mkdtempSync(join(tmpdir().length > LONGEST_PARENT ? '/tmp' : tmpdir(), 'pl-'))
  const below = (name: string) => join(dir, name)
  const state = {
    dir,
    volumes: below('v'),
    handleKey: below('handle.key'),
    driverSettings: below('volume-driver.json'),
    clusterConfig: below('cluster.yaml'),
    kubeletRoot: below('k'),
    procRoot: below('proc'),
    plugins: below('plugins'),
    scratch: below('c'),
    pki: below('pki'),
    logs: below('logs'),
    clocks: below('clocks'),
  }
  for (const path of [state.volumes, state.kubeletRoot, state.procRoot, state.plugins, state.scratch, state.pki, state.logs]) {
    mkdirSync(path, { mode: 0o755 })
  }
  return { ...state, [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }) }
}
