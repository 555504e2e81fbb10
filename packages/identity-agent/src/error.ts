export type AgentErrorCode = 'DRIVER_NOT_INSTALLED' | 'VOLUMES_UNREADABLE'

/** The agent cannot start. `fields` names the path, `cause` what broke. */
export class AgentError extends Error {
  override readonly name = 'AgentError'
  readonly code: AgentErrorCode
  readonly fields: Readonly<Record<string, unknown>>

  constructor(code: AgentErrorCode, message: string, fields: Record<string, unknown> = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.fields = fields
  }
}
