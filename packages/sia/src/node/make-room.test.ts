import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { expect, test } from 'vitest'
import { makeRoom } from './make-room.ts'

class Connection extends EventEmitter {
  destroyed = false
  readonly remoteAddress: string

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }

  destroy(): void {
    this.destroyed = true
    this.emit('close')
  }
}

function open() {
  const server = new EventEmitter()
  makeRoom(server as unknown as Server)
  const connect = (from: string) => {
    const connection = new Connection(from)
    server.emit('connection', connection)
    return connection
  }
  const ask = (socket: Connection) => {
    const response = new EventEmitter()
    server.emit('request', { socket }, response)
    return () => void response.emit('close')
  }
  return { connect, ask }
}

const gone = (connections: readonly Connection[]) => connections.flatMap(({ destroyed }, n) => (destroyed ? [n] : []))
const manyFrom = (count: number, connect: () => Connection) => Array.from({ length: count }, connect)

test('of one address eight connections stay, the newest', () => {
  const { connect } = open()
  const other = connect('10.0.0.2')
  expect(gone(manyFrom(10, () => connect('10.0.0.1')))).toEqual([0, 1])
  expect(other.destroyed).toBe(false)
})

test('whoever waits for an answer is not sent away, but turns newcomers of its address away', () => {
  const { connect, ask } = open()
  const held = manyFrom(8, () => connect('10.0.0.1'))
  const answers = held.map(ask)
  expect(connect('10.0.0.1').destroyed).toBe(true)
  answers[3]?.()
  expect(connect('10.0.0.1').destroyed).toBe(false)
  expect(gone(held)).toEqual([3])
})

test('when many addresses hold all there is, the oldest silent connection makes room for a probe', () => {
  const { connect } = open()
  const held = Array.from({ length: 64 }, (_, n) => connect(`10.0.0.${n >> 3}`))
  expect(connect('10.9.9.9').destroyed).toBe(false)
  expect(gone(held)).toEqual([0])
})

test('who leaves makes room', () => {
  const { connect } = open()
  const held = manyFrom(8, () => connect('10.0.0.1'))
  held[5]?.destroy()
  connect('10.0.0.1')
  expect(gone(held)).toEqual([5])
})
