import type { Address } from '@pallas/config'
import type { FastifyInstance } from 'fastify'
import { type AdminOptions, startAdmin } from './admin.ts'
import { serve, type Served } from './serve.ts'

export interface ServeProgramOptions extends Omit<AdminOptions, 'listen'> {
  /** As `serverSettings` and the program's own say. */
  readonly settings: { readonly listen: Address; readonly adminListen: Address; readonly shutdownGrace: number }
}

export interface ServedProgram extends Served {
  readonly adminUrl: string
}

/** The two listeners of a server program: its own, and that of probes, which opens when the program serves. */
export async function serveProgram(app: FastifyInstance, options: ServeProgramOptions): Promise<ServedProgram> {
  const { settings, ...admin } = options
  await using scope = new AsyncDisposableStack()
  const { clock } = admin
  const { url } = scope.use(await serve(app, { listen: settings.listen, graceMs: settings.shutdownGrace, clock }))
  const { url: adminUrl } = scope.use(await startAdmin({ ...admin, listen: settings.adminListen }))
  const parts = scope.move()
  return { url, adminUrl, [Symbol.asyncDispose]: () => parts.disposeAsync() }
}
