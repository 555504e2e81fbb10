/** What the ZTS of the trial is given as files: written by `npm run trial`, read by the program in the cluster. */
import type { ZtsWorld } from '@pallas/zts/testing'

export const ZTS_FILES = {
  /** Issues what Athenz services carry. */
  caCert: 'ca.pem',
  caKey: 'ca.key',
  /** ZTS itself, and who vouches for it. */
  serverCert: 'server.pem',
  serverKey: 'server.key',
  serverRoots: 'server-roots.pem',
  world: 'world.json',
} as const

export type ZtsFile = (typeof ZTS_FILES)[keyof typeof ZTS_FILES]

/** Throws `TypeError` for what is no world. */
export function parseWorld(text: string): ZtsWorld {
  const world: unknown = JSON.parse(text)
  if (typeof world === 'object' && world !== null && 'domains' in world && 'certDnsSuffixes' in world) return world as ZtsWorld
  throw new TypeError('not a world of ZTS')
}
