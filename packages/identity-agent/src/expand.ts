/** `$NAME` and `${NAME}` in a setting, as the original's agent understands them in `--pod-endpoint`. */
import { ConfigError } from '@pallas/config'

const REFERENCE = /\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g

/** Throws `ConfigError` for a variable that is unset or empty: half an address helps nobody. */
export function expandVariables(text: string, env: Readonly<Record<string, string | undefined>>): string {
  const missing: string[] = []
  const expanded = text.replace(REFERENCE, (_all, braced: string | undefined, bare: string | undefined) => {
    const name = braced ?? bare ?? ''
    const value = env[name] ?? ''
    if (value === '') missing.push(`--pod-endpoint (POD_ENDPOINT) names ${name}, which is not set`)
    return value
  })
  if (missing.length > 0) throw new ConfigError(missing)
  return expanded
}
