/** What the programs tell of themselves in the cluster, read where Prometheus would: what docs/operations.md lists, and no secret. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '@pallas/build'
import { documentedMetrics, eventually, familiesIn, launch, type ProgramName, request, secretsIn } from '@pallas/suite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ClusterWorld, openWorld } from './world/open-world.ts'
import { podsOf } from './world/replicas.ts'

const ADMIN_PORT = 9090
const PROGRAMS: readonly ProgramName[] = ['identity-agent', 'jwt-service', 'callback', 'initializer']

let it: ClusterWorld

beforeAll(async () => {
  it = await openWorld()
  await launch(it, request(it, 'web-0'))
})
afterAll(() => it[Symbol.asyncDispose]())

/** Of every replica. */
async function metricsOf(program: ProgramName): Promise<string> {
  const urls = (await podsOf(program)).map(({ ip }) => `http://${ip}:${ADMIN_PORT}/metrics`)
  const texts = urls.map((url) => eventually(`metrics at ${url}`, async () => ((await fetch(url).catch(() => undefined))?.text())))
  return (await Promise.all(texts)).join('\n')
}

describe.each(PROGRAMS)('metrics of athenz-%s', (program) => {
  const documented = documentedMetrics(readFileSync(join(REPOSITORY, 'docs/operations.md'), 'utf8'))
  const own = `athenz_${program.replaceAll('-', '_')}_`

  test('are all documented, with their types and labels, and the documented ones are there', async () => {
    const families = familiesIn(await metricsOf(program))
    for (const { name, type, samples } of families) {
      const row = documented.find((row) => row.name === name)
      expect({ name, type: row?.type }).toEqual({ name, type })
      for (const labels of samples) expect(row?.labels ?? [], name).toEqual(expect.arrayContaining(Object.keys(labels)))
    }
    const wanted = documented.filter(({ name }) => name.startsWith(own)).map(({ name }) => name)
    expect(wanted.length).toBeGreaterThan(0)
    expect(families.map(({ name }) => name)).toEqual(expect.arrayContaining(wanted))
  })

  test('tell nothing secret (T46)', async () => {
    expect(secretsIn(await metricsOf(program))).toEqual([])
  })
})
