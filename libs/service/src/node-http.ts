/**
 * `node:http` as CommonJS sees it. Imported as a module Node evaluates every export of it, those of its own `fetch` and
 * `WebSocket` too, which no program here uses: a quarter of a bare start, and some megabytes for as long as it runs.
 */
import { createRequire } from 'node:module'

export const { createServer, STATUS_CODES } = createRequire(import.meta.url)('node:http') as typeof import('node:http')
