/**
 * ZTS as the cluster's configuration names it now. Calls that are under way when it changes end where they began. Roots
 * are not looked at here: the client follows them by itself.
 */
import type { ClusterConfig } from '@pallas/wire/cluster-config'
import type { Zts } from '@pallas/zts'

export type IssuingZts = Pick<Zts, 'register' | 'refresh'>

export interface FollowedZtsOptions {
  readonly config: () => ClusterConfig
  readonly open: (config: ClusterConfig) => IssuingZts & AsyncDisposable
}

interface Opened {
  readonly zts: IssuingZts & AsyncDisposable
  /** What it was made from. */
  readonly from: string
  calls: number
}

export function createFollowedZts({ config, open }: FollowedZtsOptions): IssuingZts & AsyncDisposable {
  let current: Opened | undefined

  /** Made anew when what it is made from has changed; what nobody uses any more is to be ended. */
  function opened(): { readonly it: Opened; readonly idle: AsyncDisposable | undefined } {
    const now = config()
    const from = JSON.stringify([now.ztsEndpoint, now.providerService])
    if (current?.from === from) return { it: current, idle: undefined }
    const idle = current?.calls === 0 ? current.zts : undefined
    current = { zts: open(now), from, calls: 0 }
    return { it: current, idle }
  }

  async function call<T>(step: (zts: IssuingZts) => Promise<T>): Promise<T> {
    const { it, idle } = opened()
    it.calls += 1
    try {
      if (idle !== undefined) await idle[Symbol.asyncDispose]()
      return await step(it.zts)
    } finally {
      it.calls -= 1
      if (it !== current && it.calls === 0) await it.zts[Symbol.asyncDispose]()
    }
  }

  return {
    register: (request, signal) => call((zts) => zts.register(request, signal)),
    refresh: (request, signal) => call((zts) => zts.refresh(request, signal)),
    [Symbol.asyncDispose]: async () => current?.zts[Symbol.asyncDispose](),
  }
}
