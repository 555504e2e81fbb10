/** Readers that do as the documents say, while the SIA's own writer replaces what they read without pause. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { nodeHost } from '@pallas/linux'
import { writeCredentials } from '@pallas/sia'
import { value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { fileOf, type ReaderCount, type ReaderJob } from '../torn-reads.ts'

/** Where syncing costs nothing, so that more rotations meet more readers. */
const MEMORY = '/dev/shm'
const READERS = 2

export const tornReadsBench: Bench = {
  name: 'torn-reads',
  doc: 'reads that pin ..data or open the bundle, of credentials that rotate without pause: how many were torn',
  run: async (context) => {
    const { quick, dir } = context
    const root = mkdtempSync(join(existsSync(MEMORY) ? MEMORY : dir, 'pb-'))
    try {
      const { rotations, reads, torn, overtaken } = await race(root, quick ? 10_000 : 1_000_000, context)
      const notes = [`over ${rotations} rotations; ${overtaken} reads began anew because two rotations had gone by`]
      return [value('torn-reads: torn', torn, { unit: 'reads', n: reads, line: 'torn-reads', notes })]
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  },
}

interface Race extends ReaderCount {
  readonly rotations: number
}

async function race(root: string, reads: number, { signal }: BenchContext): Promise<Race> {
  let rotations = 0
  await rotate(root, rotations)
  const workers = Array.from({ length: READERS }, () => startReader({ root, reads: reads / READERS }))
  try {
    const readers = { done: false }
    const counts = Promise.all(workers.map(({ count }) => count)).finally(() => (readers.done = true))
    counts.catch(() => undefined)
    while (!readers.done) {
      signal.throwIfAborted()
      await rotate(root, ++rotations)
    }
    const all = await counts
    const sum = (field: keyof ReaderCount): number => all.reduce((total, count) => total + count[field], 0)
    return { rotations, reads: sum('reads'), torn: sum('torn'), overtaken: sum('overtaken') }
  } finally {
    await Promise.all(workers.map(({ worker }) => worker.terminate()))
  }
}

function startReader(job: ReaderJob) {
  const worker = new Worker(new URL('../torn-reader-main.ts', import.meta.url), { workerData: job })
  const { promise: count, resolve, reject } = Promise.withResolvers<ReaderCount>()
  worker.once('message', resolve).once('error', reject)
  return { worker, count }
}

const { files } = nodeHost()

function onLeftover(error: unknown): never {
  throw error
}

async function rotate(root: string, serial: number): Promise<void> {
  const output = ['service.key', 'service.cert', 'bundle.pem'].map((name) => ({
    path: join(root, name),
    content: fileOf(serial),
    secret: name !== 'service.cert',
  }))
  await writeCredentials(output, { files, now: Date.now(), serial: serial.toString(16), onLeftover })
}
