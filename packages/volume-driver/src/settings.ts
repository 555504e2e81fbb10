/** The driver's settings. The kubelet owns its arguments, so they stand in a file of the host, when there is one. */
import { oneOf, path, program, readProgram, setting, type SettingsOf } from '@pallas/config'
import { type Files, HostError, type Invocation } from '@pallas/host'
import { DriverError } from './error.ts'

export const SETTINGS_FILE = '/var/athenz/volume-driver.json'
/** Names another settings file. Whoever starts the driver (the kubelet, as root) sets it, no pod can. */
export const SETTINGS_VARIABLE = 'ATHENZ_VOLUME_DRIVER_SETTINGS'
const FILE_LIMIT = 65_536

export const driverProgram = program({
  name: 'athenz-volume-driver',
  envPrefix: 'ATHENZ_VOLUME_DRIVER',
  summary: 'FlexVolume driver: ties a pod to the identity agent of its host.',
  schema: {
    volumesDir: setting(path, {
      default: '/var/athenz/volumes',
      doc: 'Where the volume trees lie. Keep it short: sockets lie below.',
    }),
    handleKeyFile: setting(path, {
      default: '/var/athenz/handle.key',
      doc: 'Key of the handles, made when it is missing.',
    }),
    handle: setting(oneOf('keyed', 'original'), {
      default: 'keyed',
      doc: 'How volumes are named: by a keyed hash, or by the plain one of the original driver.',
    }),
    mounter: setting(oneOf('bind', 'link'), {
      default: 'bind',
      doc: 'How a pod gets its volume: by a read-only bind mount, or by a symlink where mounts are forbidden.',
    }),
    isolation: setting(oneOf('per-workload', 'shared'), {
      default: 'per-workload',
      doc: 'Where pods meet the agent: each at a socket of its own, or all at the one below `agentDir`, as of the original. Like the agent.',
    }),
    agentDir: setting(path, {
      default: '/var/athenz/agent',
      doc: 'Directory of the socket that pods share; shown to them read-only. Made when it is missing.',
    }),
    writableVolumes: setting(oneOf('refuse', 'allow'), {
      default: 'refuse',
      doc: 'What becomes of a pod whose `flexVolume` does not say `readOnly: true`, as in pods of the original: with `allow` root in it can put another socket in place of its own; weaker.',
    }),
  },
  check: ({ volumesDir, handleKeyFile, agentDir, isolation, mounter, writableVolumes }) => [
    ...([volumesDir, handleKeyFile, agentDir].every(isCanonical)
      ? []
      : ['volumesDir, handleKeyFile and agentDir must be absolute, canonical paths']),
    ...(isolation === 'shared' && mounter === 'link' ? ['a shared socket needs mounter: bind, or pods could replace it'] : []),
    ...(isolation === 'shared' && writableVolumes === 'allow' ? ['a shared socket needs writableVolumes: refuse, or pods could replace it'] : []),
  ],
})

export type DriverSettings = SettingsOf<typeof driverProgram>

/** Throws `SETTINGS_INVALID` for a file that others own or may write, that is not JSON, or whose settings cannot be used. */
export async function readSettings(files: Files, env: Invocation['env']): Promise<DriverSettings> {
  const file = await readFile(files, env[SETTINGS_VARIABLE] || SETTINGS_FILE)
  try {
    const reading = readProgram(driverProgram, { argv: [], env: {}, file, version: '' })
    if (reading.kind === 'run') return reading.settings
  } catch (error) {
    throw invalid('the settings file has settings that cannot be used', error)
  }
  throw invalid('the settings file cannot be used')
}

/** What `--help` tells a person. */
export function helpText(): string {
  const { name, summary, schema } = driverProgram
  const rows = Object.entries(schema).map(([key, { doc, default: standard }]) => `  ${key} (${standard})\n      ${doc}`)
  return [
    `${name}: ${summary}`,
    'The kubelet calls it with init, mount <directory> <options> or unmount <directory>; it answers in JSON.',
    `Settings, all optional, as one JSON object in ${SETTINGS_FILE} (or the file named by ${SETTINGS_VARIABLE}):`,
    ...rows,
    '',
  ].join('\n')
}

/** The kernel gives what lies below it to whom the process runs as. Undefined where there is no procfs. */
const OWN_DIRECTORY = '/proc/self/fd'
const ownUid = async (files: Files): Promise<number | undefined> => (await files.stat(OWN_DIRECTORY))?.uid

async function readFile(files: Files, at: string): Promise<Record<string, unknown>> {
  let bytes: Uint8Array
  try {
    const found = await files.stat(at)
    if (found === undefined) return {}
    if (found.kind !== 'file' || (found.mode & 0o022) !== 0)
      throw invalid('the settings file is not a file that only its owner may write')
    if (found.uid !== 0 && found.uid !== (await ownUid(files)))
      throw invalid('the settings file belongs neither to root nor to whoever runs the driver')
    bytes = await files.read(at, FILE_LIMIT)
  } catch (error) {
    throw error instanceof HostError ? invalid('the settings file cannot be read', error) : error
  }
  return parseObject(new TextDecoder().decode(bytes))
}

function parseObject(json: string): Record<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw invalid('the settings file is not json', error)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw invalid('the settings file is not a json object')
}

const isCanonical = (at: string): boolean => /^(\/(?!\.{1,2}(\/|$))[^/\0]+)+$/.test(at)

const invalid = (message: string, cause?: unknown) => new DriverError('SETTINGS_INVALID', message, cause)
