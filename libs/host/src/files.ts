/** Files by absolute path. Failures are `HostError`; no call follows a symlink in its last component unless it says so. */
export interface Files {
  /** The whole file; refuses (`HOST_TOO_LARGE`) more than `maxBytes`, and anything but a regular file. Follows symlinks. */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /** Creates a new file (`HOST_EXISTS` if anything is there), exactly this mode whatever the umask, data synced to disk. */
  create(path: string, bytes: Uint8Array, mode: number): Promise<void>
  /** Creates one directory with exactly this mode; `HOST_EXISTS` if anything is there. */
  mkdir(path: string, mode: number): Promise<void>
  /** Creates what is missing of a path, with `mode` for each new directory; an existing directory is left as it is. */
  mkdirs(path: string, mode: number): Promise<void>
  symlink(target: string, path: string): Promise<void>
  readlink(path: string): Promise<string>
  /** Atomic within one file system; replaces a file or symlink that is there. */
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; `HOST_EXISTS` if the new name is taken, which makes it a create-if-absent. */
  link(existing: string, path: string): Promise<void>
  /** Removes a file or symlink; one that is not there is fine. */
  unlink(path: string): Promise<void>
  /** Removes an empty directory; one that is not there is fine; `HOST_NOT_EMPTY` otherwise. */
  rmdir(path: string): Promise<void>
  /** Names in a directory, sorted, without `.` and `..`. */
  list(path: string): Promise<readonly string[]>
  /** What lies at a path, not following a symlink; undefined when nothing does. */
  stat(path: string): Promise<FileStat | undefined>
  /** Makes renames and new names in this directory survive a power loss. */
  syncDirectory(path: string): Promise<void>
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'socket' | 'other'
  /** Permission bits with setuid, setgid and sticky: `mode & 0o7777`. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
}
