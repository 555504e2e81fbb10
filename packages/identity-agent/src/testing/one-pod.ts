import { readFileSync } from 'node:fs'
import { aPod } from '@pallas/identity/testing'
import type { Handle } from '@pallas/wire'
import { createCsr, readCertificate } from '@pallas/x509'
import type { NodeKey } from '@pallas/x509/testing'
import type { Reply } from './call.ts'
import { World } from './world.ts'

export const POD = aPod()

/** What the certificate of `POD` says. */
export const NAMES = {
  commonName: 'media.on-air.web',
  dns: ['web.media-on-air.svc.cluster.local', `${POD.uid}.instanceid.athenz.svc.cluster.local`],
  ip: ['10.1.2.3'],
  uri: ['spiffe://media.on-air/sa/web'],
}

/** A started agent with the volume of one live pod, in which this process is. */
export async function oneLivePod(): Promise<{ world: World; handle: Handle }> {
  const world = await World.open()
  world.pods = [POD]
  const handle = world.addVolume(POD)
  world.enter(POD)
  await world.startAgent()
  return { world, handle }
}

export const pem = (value: unknown): string => Buffer.from(String(value), 'base64').toString()
export const base64 = (text: string): string => Buffer.from(text).toString('base64')
export const serialOf = ({ body }: Reply): string => readCertificate(pem(body['certPEM'])).serial
export const csrFor = (key: NodeKey, names: typeof NAMES = NAMES): Promise<string> => createCsr(names, key)
export const kindsOf = ({ issuer }: World): string[] => issuer.calls.map(({ kind }) => kind)

export const contextOf = (world: World, handle: Handle): object =>
  JSON.parse(readFileSync(world.pathsOf(handle).context, 'utf8')) as object

/** The loop turns until it is so; a test that waits for ever is stopped by its runner. */
export async function waitUntil(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve))
}
