/** The directory of the socket that pods share, where the settings say that they share one. */
import type { Files } from '@pallas/host'
import { VOLUME_MODES } from '@pallas/wire'
import { DriverError } from './error.ts'
import type { DriverSettings } from './settings.ts'

/**
 * Undefined where each pod has a socket of its own. Made when it is missing, since a mount needs no running agent; throws
 * `AGENT_DIR_UNTRUSTED` when others than the owner of the volumes could put a socket there.
 */
export async function openAgentDir(
  { isolation, agentDir, volumesDir }: DriverSettings,
  files: Files,
): Promise<string | undefined> {
  if (isolation === 'per-workload') return undefined
  await files.mkdirs(agentDir, VOLUME_MODES.connect)
  const [found, volumes] = [await files.stat(agentDir), await files.stat(volumesDir)]
  if (found?.kind === 'directory' && (found.mode & 0o022) === 0 && found.uid === volumes?.uid) return agentDir
  throw new DriverError('AGENT_DIR_UNTRUSTED', 'others may write to the directory of the agent')
}
