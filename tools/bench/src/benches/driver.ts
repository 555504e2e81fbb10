/** What the kubelet waits for at every pod: the driver as a process, from source and bundled, beside any process. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Figure, interleave, ratioOf, spread, value } from '@pallas/suite/figures'
import type { Bench, BenchContext } from '../bench.ts'
import { bundle } from '../bundle.ts'
import { mustRun } from '../children.ts'
import { buildGoHello } from '../go-hello.ts'
import { callDriver, type DriverCall, mountCall } from '../pods.ts'
import { fromSource } from '../programs.ts'
import { profileRun } from '../profile/cpu.ts'
import { staticPrograms } from '../static-programs.ts'

export const driverBench: Bench = {
  name: 'driver',
  doc: 'FlexVolume mount + unmount as two processes, static and on Node, beside /bin/true, node -e 0 and a hello in Go, each twice',
  run: runDriverBench,
  profile: async (context) => {
    const work = place(context)
    const pod = newPod()
    const source = mountCall({ ...work, command: fromSource('profiledDriver') }, pod)
    const bundled = mountCall({ ...work, command: await bundle('profiledDriver', context.dir) }, pod)
    return [
      ...(await profileRun({ title: 'the driver’s mount, bundled', argv: bundled.mount, env: bundled.env }, context)),
      ...(await profileRun({ title: 'unmount, from source', argv: source.unmount, env: source.env }, context)),
    ]
  },
}

async function runDriverBench(context: BenchContext): Promise<readonly Figure[]> {
  const { quick, dir, say, signal } = context
  const work = place(context)
  const once = async (argv: readonly string[]) => (await mustRun(argv, {}, signal)).ms
  const twice = (argv: readonly string[]) => async () => (await once(argv)) + (await once(argv))
  const pair = (command: readonly string[]) => async () => {
    const { mount, unmount, env } = mountCall({ ...work, command }, newPod())
    return (await callDriver(mount, env, signal)) + (await callDriver(unmount, env, signal))
  }
  const hello = await buildGoHello(dir, signal)
  const files = await staticPrograms(say)
  const variants = [
    ...(files === undefined ? [] : [{ name: STATIC, sample: pair(files.driver) }]),
    { name: BUNDLED, sample: pair(await bundle('driver', dir)) },
    { name: 'from source', sample: pair(fromSource('driver')) },
    { name: 'node -e 0, twice', sample: twice([process.execPath, '-e', '0']) },
    { name: '/bin/true, twice', sample: twice(['/bin/true']) },
    ...(hello === undefined ? [] : [{ name: GO, sample: twice([hello]) }]),
  ]
  const samples = await interleave(variants, { rounds: quick ? 10 : 200, warmUp: quick ? 1 : 5 }, signal)
  const of = (name: string): readonly number[] => samples.get(name) ?? []
  const judged = { line: 'flexvolume', notes: [MOUNTER[context.isolation]] } as const
  return [
    ...variants.map(({ name }) =>
      spread(`driver: ${name}`, of(name), { unit: 'ms', ...(name === STATIC ? judged : {}) }),
    ),
    ...ratios(of),
    value('driver: bundled ÷ from source', ratioOf(of(BUNDLED), of('from source')), { unit: '×' }),
    value('driver: bundled ÷ node -e 0', ratioOf(of(BUNDLED), of('node -e 0, twice')), { unit: '×' }),
  ]
}

const STATIC = 'static'
const BUNDLED = 'bundled'
const GO = 'hello in Go, twice'

/** A process that does nothing is what starting one costs; what is beyond it is ours. */
const ratios = (of: (name: string) => readonly number[]): readonly Figure[] =>
  of(STATIC).length === 0 || of(GO).length === 0 ? [] : [value('driver: static ÷ hello in Go', ratioOf(of(STATIC), of(GO)), { unit: '×' })]

const MOUNTER = {
  'mount-namespace': 'with real bind mounts',
  none: 'with links, since this machine allows no mounts',
} as const

/** A node's directories and the driver's settings, without anybody else. */
function place({ dir, isolation }: BenchContext): Omit<DriverCall, 'command'> {
  const settings = join(dir, 'volume-driver.json')
  const mounter = isolation === 'mount-namespace' ? 'bind' : 'link'
  mkdirSync(join(dir, 'v'), { recursive: true })
  const content = { volumesDir: join(dir, 'v'), handleKeyFile: join(dir, 'handle.key'), mounter }
  writeFileSync(settings, JSON.stringify(content), { mode: 0o600 })
  return { settings, root: join(dir, 'k') }
}

const newPod = () => ({ namespace: 'shop', name: 'bench-0', uid: randomUUID(), serviceAccount: 'web' })
