/** `init`: everything once, and what may stand in for it in an outage. */
import { worstOf } from '@pallas/credentials'
import { type Host, HostError } from '@pallas/host'
import { IdentityError } from '@pallas/identity'
import type { AgentClient } from '@pallas/wire'
import { sameNames } from '@pallas/x509'
import { readHandle } from '../identity/fetch.ts'
import { hasExpired } from '../identity/principal-token.ts'
import type { Output, Published } from '../output/output.ts'
import type { SetRenewable } from './renewable.ts'
import { forEachOf } from '../identity/roles.ts'
import type { TokenRenewable } from '../tokens/wanted.ts'

/** Renews what was not renewed before, so that it can be tried again; throws the worst of what stood in the way. */
export function allOnce(
  certificate: Pick<SetRenewable, 'renew'>,
  tokens: readonly Pick<TokenRenewable, 'renew' | 'name'>[],
  onFailure: (error: unknown, name: string) => void,
) {
  let isCertified = false
  const left = new Set(tokens)
  return {
    renew: async (signal: AbortSignal): Promise<void> => {
      if (!isCertified) await certificate.renew(signal)
      isCertified = true
      const problems: unknown[] = []
      await forEachOf([...left], async (token) => {
        try {
          await token.renew(signal)
          left.delete(token)
        } catch (error) {
          problems.push(error)
          if (!signal.aborted) onFailure(error, token.name)
        }
      })
      if (problems.length > 0) throw worstOf(problems)
    },
  }
}

export interface GoodEnoughDeps {
  readonly agent: Pick<AgentClient, 'names'>
  readonly idFile: string
  readonly host: Pick<Host, 'files' | 'clock'>
  readonly output: Pick<Output, 'current'>
  readonly tokens: readonly Pick<TokenRenewable, 'isThere'>[]
}

/**
 * Whether a run that could get nothing new may end well: what lies on disk is everything that is asked for, works, lives
 * and carries the names that the agent attests for this pod now. Never after a denial: that is no outage.
 */
export async function isGoodEnough(problem: unknown, deps: GoodEnoughDeps, signal: AbortSignal): Promise<boolean> {
  const { host, output, tokens } = deps
  if (signal.aborted || !(problem instanceof IdentityError) || problem.kind !== 'unavailable') return false
  const there = await output.current()
  if (there?.isWhole !== true) return false
  if (hasExpired(there.set.ntoken ?? '', host.clock.now())) return false
  for (const token of tokens) if (!(await token.isThere())) return false
  return (await namesOfNow(there, deps, signal)) === 'same'
}

/** Whether a certificate carries the names that the agent attests for this pod now; unknown when it does not tell. */
export async function namesOfNow(
  { leaf }: Pick<Published, 'leaf'>,
  { agent, idFile, host }: Pick<GoodEnoughDeps, 'agent' | 'idFile' | 'host'>,
  signal: AbortSignal,
): Promise<'same' | 'other' | 'unknown'> {
  try {
    const names = await agent.names(await readHandle(idFile, host), signal)
    return sameNames({ ...leaf.names, commonName: leaf.commonName }, names) === undefined ? 'same' : 'other'
  } catch (error) {
    if (error instanceof IdentityError || error instanceof HostError) return 'unknown'
    throw error
  }
}
