/**
 * The names of log fields, so that one thing has one name in every program's log. Write
 * `log.info({ pod, reason } satisfies LogFields, 'identity refused')`: a misspelt name does not compile.
 */
export interface LogFields {
  /** What broke; its chain of causes is logged. */
  readonly err?: unknown
  readonly requestId?: string
  readonly method?: string
  readonly route?: string
  readonly status?: number
  readonly durationMs?: number
  /** Common name of the client certificate, or who the kernel says is calling. */
  readonly peer?: string
  /** Reason code of a refusal. */
  readonly reason?: string
  /** `<namespace>/<name>` */
  readonly pod?: string
  /** The same, as a volume says it: nobody has confirmed it yet. */
  readonly claimedPod?: string
  readonly podUid?: string
  readonly node?: string
  /** Name of a volume; gives no right by itself. */
  readonly handle?: string
  readonly domain?: string
  readonly service?: string
  readonly instanceId?: string
  /** Certificate serial, upper-case hex. */
  readonly serial?: string
  /** RFC 3339, or epoch milliseconds. */
  readonly notAfter?: string | number
  /** Id of a document: correlates agent, JWT service and callback. */
  readonly jti?: string
  /** Name and version of a signing key. */
  readonly keyId?: string
  readonly path?: string
  readonly url?: string
  readonly address?: string
  readonly version?: string
  readonly attempt?: number
  readonly delayMs?: number
  readonly count?: number
  /** Why something is not ready or not usable, in words. */
  readonly problem?: string
  readonly problems?: readonly string[]
}
