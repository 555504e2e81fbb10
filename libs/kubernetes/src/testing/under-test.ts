import type { KubeApi } from '../api.ts'

/** What a test run needs from any API server. Each `open` gives a namespace that nobody else uses. */
export interface KubeApiUnderTest extends AsyncDisposable {
  /** May do everything. */
  readonly admin: KubeApi
  /** Known, may do nothing. */
  readonly nobody: KubeApi
  /** Its token is nobody's. */
  readonly stranger: KubeApi
  readonly namespace: string
  /** Makes older resource versions too old; absent when that cannot be forced. */
  readonly forgetHistory?: () => void | Promise<void>
}

export type OpenKubeApi = () => Promise<KubeApiUnderTest>
