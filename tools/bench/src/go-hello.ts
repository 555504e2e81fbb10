/** The smallest program in Go, where there is a Go to build it: the least that a process of the original costs. */
import { spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ENV, runToEnd } from './children.ts'

const SOURCE = 'package main\n\nimport "fmt"\n\nfunc main() { fmt.Println("hello") }\n'

/** Path of the program; undefined without a Go, or when it does not build. */
export async function buildGoHello(dir: string, signal: AbortSignal): Promise<string | undefined> {
  if (spawnSync('go', ['version']).status !== 0) return undefined
  const at = join(dir, 'go')
  mkdirSync(at)
  writeFileSync(join(at, 'main.go'), SOURCE)
  const env = { ...ENV, HOME: at, GOCACHE: join(at, 'cache'), GOPROXY: 'off', GOTOOLCHAIN: 'local', CGO_ENABLED: '0' }
  const build = ['go', 'build', '-ldflags=-s -w', '-o', join(at, 'hello'), 'main.go']
  const { code } = await runToEnd(build, { env, cwd: at }, signal)
  return code === 0 ? join(at, 'hello') : undefined
}
