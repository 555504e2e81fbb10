/** The shell script that gives a container a root of its own: system directories, the programs, its volumes, nothing else. */
export interface ContainerMount {
  readonly hostPath: string
  readonly mountPath: string
  readonly readOnly: boolean
}

const SYSTEM_DIRS = ['/bin', '/lib', '/lib32', '/lib64', '/libx32', '/sbin', '/usr', '/etc', '/dev', '/proc', '/sys']

/** Runs in a fresh mount namespace, waits for a line on stdin (the gate), then becomes the container's command (`"$@"`). */
export function rootScript(root: string, mounts: readonly ContainerMount[], sharedDirs: readonly string[]): string {
  const at = (path: string) => quote(`${root}${path}`)
  const system = SYSTEM_DIRS.map(
    (dir) =>
      `if [ -L ${dir} ]; then ln -s "$(readlink ${dir})" ${at(dir)}; elif [ -d ${dir} ]; then mkdir ${at(dir)}; mount --rbind ${dir} ${at(dir)}; fi`,
  )
  const shared = sharedDirs.map((dir) => `mkdir -p ${at(dir)}; mount --rbind -o ro ${quote(dir)} ${at(dir)}`)
  const volumes = mounts.flatMap(({ hostPath, mountPath, readOnly }) => [
    `mkdir -p ${at(mountPath)}; mount --rbind ${quote(hostPath)} ${at(mountPath)}`,
    ...(readOnly ? [`mount -o remount,bind,ro ${at(mountPath)}`] : []),
  ])
  return [
    'set -e',
    `mount -t tmpfs -o mode=755 tmpfs ${quote(root)}`,
    ...system,
    `mkdir -p -m 1777 ${at('/tmp')}`,
    ...shared,
    ...volumes,
    'read -r _',
    `exec chroot ${quote(root)} "$@" </dev/null`,
  ].join('\n')
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`
