/**
 * `undici` in a bundle: the dispatchers that programs use, and not the `fetch`, caches, mocks and proxies that its index
 * loads with them, some megabytes for as long as a program runs. Whoever imports another name gets no bundle: add it here.
 */
import { dirname } from 'node:path'
import type { Plugin } from 'esbuild'

const PARTS = {
  Agent: './lib/dispatcher/agent.js',
  Client: './lib/dispatcher/client.js',
  Pool: './lib/dispatcher/pool.js',
  buildConnector: './lib/core/connect.js',
} as const

/** Methods like `request` come to dispatchers as in the index. */
const DISPATCHER = `
import Dispatcher from './lib/dispatcher/dispatcher.js'
import * as api from './lib/api/index.js'
Object.assign(Dispatcher.prototype, api.default)
export { Dispatcher }
`

const CONTENTS = [
  DISPATCHER,
  ...Object.entries(PARTS).map(([name, path]) => `export { default as ${name} } from '${path}'`),
].join('\n')

const INDEX = /[\\/]undici[\\/]index\.js$/

export const leanUndici: Plugin = {
  name: 'lean-undici',
  setup: (build) => build.onLoad({ filter: INDEX }, ({ path }) => ({ contents: CONTENTS, resolveDir: dirname(path) })),
}
