import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processesOf } from './e2e/leftovers.ts'
import { freePorts } from './ports.ts'
import { type ProgramSpec, startProgram } from './processes.ts'

let dir: string

beforeEach(() => {
  dir = mkdtempSync('/tmp/processes-')
})
afterEach(() => rmSync(dir, { recursive: true }))

const node = (script: string, ...args: string[]): string[] => [process.execPath, '-e', script, dir, ...args]
const spec = (argv: readonly string[], other: Partial<ProgramSpec> = {}): ProgramSpec => ({ name: 'it', argv, env: {}, logFile: join(dir, 'it.log'), ...other })

/** Serves 503, then 200 from the third request on; ends on SIGTERM with 0. */
const SERVER = `
let asked = 0
const server = require('node:http').createServer((_request, response) => response.writeHead(++asked < 3 ? 503 : 200).end())
server.listen(Number(process.argv[2]), '127.0.0.1', () => console.log(JSON.stringify({ msg: 'listening' })))
process.once('SIGTERM', () => { console.log('bye'); server.closeAllConnections(); server.close() })
`

async function server(script = SERVER) {
  const { port } = await freePorts(['port'])
  return spec(node(script, String(port)), { adminUrl: `http://127.0.0.1:${port}` })
}

describe('a program that serves', () => {
  test('has started when it says that it is ready, and ends when it is asked to', async () => {
    const it = await startProgram(await server())
    expect(processesOf(dir)).not.toEqual([])
    await it[Symbol.asyncDispose]()
    expect(await it.exited).toBe(0)
    expect(readFileSync(join(dir, 'it.log'), 'utf8')).toBe('{"msg":"listening"}\nbye\n')
    expect(processesOf(dir)).toEqual([])
  })

  test('may be killed, as by a crash', async () => {
    const it = await startProgram(await server())
    await it.kill()
    expect(await it.exited).toBe(128)
  })

  test('that ends before it is ready is an error with its last words', async () => {
    const failing = startProgram(await server(`console.error('no such key'); process.exitCode = 64`))
    await expect(failing).rejects.toThrow('it did not become ready; it said:\nno such key')
    expect(processesOf(dir)).toEqual([])
  })

  test('whose start is given up is killed at once', async () => {
    const stop = new AbortController()
    const starting = startProgram({ ...(await server('setInterval(() => {}, 1000); console.log("{}")')), signal: stop.signal, onLog: () => stop.abort(new Error('given up')) })
    await expect(starting).rejects.toThrow('given up')
    expect(processesOf(dir)).toEqual([])
  })
})

describe('a program that does one thing', () => {
  test('has started when it has ended with 0', async () => {
    const records: unknown[] = []
    const argv = node(`console.log('{"msg":"done"}'); console.log('{broken'); console.error('plain')`)
    const it = await startProgram(spec(argv, { onLog: (record) => records.push(record) }))
    expect(await it.exited).toBe(0)
    expect(records).toEqual([{ msg: 'done' }])
  })

  test('is an error with any other code', async () => {
    await expect(startProgram(spec(node(`console.log('why'); process.exitCode = 77`)))).rejects.toThrow('it ended with 77; it said:\nwhy')
  })

  test('sees no environment but what it is given', async () => {
    await startProgram(spec(node('console.log(Object.keys(process.env).join())'), { env: { ONLY: '1' } }))
    expect(readFileSync(join(dir, 'it.log'), 'utf8')).toBe('ONLY\n')
  })
})

test('a program that does not exist is an error, and nothing else happens', async () => {
  await expect(startProgram(spec([join(dir, 'none')]))).rejects.toThrow('it cannot be started')
})

test('nothing is started for whoever has given up already', async () => {
  await expect(startProgram(spec(node(''), { signal: AbortSignal.abort(new Error('given up')) }))).rejects.toThrow('given up')
})
