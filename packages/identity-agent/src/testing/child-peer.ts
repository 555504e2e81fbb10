import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'

/** A process of its own, to be placed in a pod and then told to call. */
interface PeerReply {
  readonly status: number
  readonly body: Record<string, unknown>
}

export interface ChildPeer extends AsyncDisposable {
  readonly pid: number
  /** Sends a request over the socket; resolves with status and body of the answer. */
  call(socketPath: string, method: string, path: string, body?: string): Promise<PeerReply>
  /** Connects, and answers over the connection it inherited from the process that connected. */
  callOverInherited(socketPath: string, method: string, path: string): Promise<PeerReply>
}

/** Reads one JSON command a line: connects itself, or lets a child of its own speak over its connection. */
const PROGRAM = `
const { spawn } = require('node:child_process')
const http = require('node:http')
const net = require('node:net')
const answer = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
const SPEAK = \`
const net = require('node:net')
const socket = new net.Socket({ fd: 3, readable: true, writable: true })
let text = ''
socket.on('data', (part) => (text += part))
socket.on('end', () => {
  const body = JSON.parse(text.slice(text.indexOf('\\\\r\\\\n\\\\r\\\\n') + 4))
  process.stdout.write(JSON.stringify({ status: Number(text.slice(9, 12)), body }))
})
socket.write(process.argv[1])
\`
require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
  const { socketPath, method, path, body, inherited } = JSON.parse(line)
  if (!inherited) {
    const request = http.request({ socketPath, method, path, agent: false }, (reply) => {
      let text = ''
      reply.on('data', (part) => (text += part))
      reply.on('end', () => answer({ status: reply.statusCode, body: JSON.parse(text) }))
    })
    request.on('error', (error) => answer({ status: 0, body: { message: error.message } }))
    return request.end(body)
  }
  const socket = net.connect({ path: socketPath, pauseOnConnect: true }, () => {
    const head = method + ' ' + path + ' HTTP/1.1\\r\\nhost: x\\r\\nconnection: close\\r\\ncontent-length: 0\\r\\n\\r\\n'
    const child = spawn(process.execPath, ['-e', SPEAK, head], { stdio: ['ignore', 'pipe', 'inherit', socket] })
    answer({ speaker: child.pid })
    let text = ''
    child.stdout.on('data', (part) => (text += part))
    child.on('exit', () => process.stdout.write(text + '\\n'))
  })
})
process.stdout.write('{}\\n')
`

export async function startChildPeer(): Promise<ChildPeer> {
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = linesOf(child)
  await lines.next()
  const ask = async (command: object): Promise<PeerReply> => {
    child.stdin.write(`${JSON.stringify(command)}\n`)
    for (;;) {
      const answer = JSON.parse(await lines.next()) as { status?: number; body: Record<string, unknown> }
      if (answer.status !== undefined) return { status: answer.status, body: answer.body }
    }
  }
  return {
    pid: child.pid ?? 0,
    call: (socketPath, method, path, body) => ask({ socketPath, method, path, body }),
    callOverInherited: (socketPath, method, path) => ask({ socketPath, method, path, inherited: true }),
    async [Symbol.asyncDispose]() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

function linesOf({ stdout }: ChildProcess): { next(): Promise<string> } {
  const ready: string[] = []
  const waiting: ((line: string) => void)[] = []
  let rest = ''
  stdout?.on('data', (part: Buffer) => {
    const [...lines] = (rest + part.toString()).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines.filter((it) => it !== '')) {
      const wake = waiting.shift()
      if (wake === undefined) ready.push(line)
      else wake(line)
    }
  })
  return {
    next: () => {
      const line = ready.shift()
      return line === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(line)
    },
  }
}
