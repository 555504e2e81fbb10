/** Rule 1 for these settings, proved once, and told where it is weaker than it could be. */
import { type Attest, attestNobody, createAttest, type Peers } from './attest.ts'
import { AT_THE_TOP, prefixesAround, prefixOf } from './cgroup.ts'
import type { AgentEvents } from './events.ts'
import { ownCgroups, type Processes } from './processes.ts'
import { createAttestationHealth, selfTest } from './self-test.ts'
import type { IdentityAgentSettings } from './settings.ts'

export type AttestationSettings = Pick<
  IdentityAgentSettings,
  'attestation' | 'procRoot' | 'requirePidfd' | 'cgroupPrefix' | 'volumesDir'
>

export interface AttestationDeps {
  readonly peers: Peers
  readonly processes: Processes
  readonly events: Pick<AgentEvents, 'weakened' | 'attested'>
}

export interface PreparedAttestation {
  readonly attest: Attest
  /** Why the kernel's word cannot be had; undefined while it can. */
  problem(): string | undefined
}

export async function prepareAttestation(settings: AttestationSettings, deps: AttestationDeps): Promise<PreparedAttestation> {
  const { peers, processes, events } = deps
  const prefixes = [AT_THE_TOP, prefixOf(settings.cgroupPrefix), ...prefixesAround(ownCgroups() ?? '')]
  const verdict = await selfTest({ ...settings, prefixes }, { peers, processes, probeDir: settings.volumesDir })
  for (const mode of verdict.weakenings) events.weakened(mode)
  const health = createAttestationHealth(verdict)
  const { requirePidfd } = settings
  const decide = settings.attestation === 'peer' ? createAttest({ peers, processes, requirePidfd, prefixes }) : attestNobody
  const attest: Attest = (fd) => {
    const attestation = decide(fd)
    health.observe(attestation)
    events.attested(attestation)
    return attestation
  }
  return { attest, problem: () => health.problem() }
}
