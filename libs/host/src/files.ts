/**
 * Files by absolute path of well-formed text (`HOST_IO` for any other). Failures are `HostError`; no call follows a symlink in its last
 * component unless it says so. A missing path is `HOST_NOT_FOUND`, one of another kind than the call is for
 * `HOST_WRONG_KIND`, one that the kernel forbids or that lies on a read-only file system `HOST_DENIED`.
 */
export interface Files {
  /**
   * The whole file; `HOST_TOO_LARGE` beyond `maxBytes`. Only a regular file, never waiting for one. Follows symlinks.
   */
  read(path: string, maxBytes: number): Promise<Uint8Array>
  /**
   * As `read`, of what this process's user made: the file must be its own and the directory its own or root's
   * (`HOST_DENIED`), and neither may be a symlink (`HOST_WRONG_KIND`). True of what was opened, whoever renames what
   * meanwhile.
   */
  readOwn(path: string, maxBytes: number): Promise<Uint8Array>
  /**
   * Creates a new file (`HOST_EXISTS` if anything is there) of exactly this mode whatever the umask, synced to disk
   * unless told otherwise. When it fails nothing is left.
   */
  create(path: string, bytes: Uint8Array, mode: number, options?: CreateOptions): Promise<void>
  /**
   * As `create`, in a directory that is this process's user's own and, where one is given, of this group
   * (`HOST_DENIED`), and no symlink. True of the directory that the file comes to lie in, whoever renames what meanwhile.
   */
  createOwn(path: string, bytes: Uint8Array, mode: number, gid?: number): Promise<void>
  /** Creates one directory with exactly this mode; `HOST_EXISTS` if anything is there. */
  mkdir(path: string, mode: number): Promise<void>
  /** Creates what is missing of a path, with `mode` for each new directory; an existing directory is left as it is. */
  mkdirs(path: string, mode: number): Promise<void>
  symlink(target: string, path: string): Promise<void>
  readlink(path: string): Promise<string>
  /** Atomic within one file system; replaces what is of its kind and no full directory (`HOST_NOT_EMPTY`). */
  rename(from: string, to: string): Promise<void>
  /** A second name for a file; `HOST_EXISTS` if the new name is taken, which makes it a create-if-absent. */
  link(existing: string, path: string): Promise<void>
  /** Removes a file or symlink; one that is not there is fine. */
  unlink(path: string): Promise<void>
  /**
   * Removes an empty directory; one that is not there is fine; `HOST_NOT_EMPTY`, or `HOST_BUSY` under a mount,
   * otherwise.
   */
  rmdir(path: string): Promise<void>
  /**
   * Removes a directory of this process's user (`HOST_DENIED`) with the files and symlinks in it; one that is not there
   * is fine, a directory in it is `HOST_WRONG_KIND`, names that are no text are as good as others. Touches nothing outside, whoever renames what meanwhile.
   */
  discard(path: string): Promise<void>
  /** Names in a directory, sorted, without `.` and `..`. */
  list(path: string): Promise<readonly string[]>
  /** What lies at a path, not following a symlink; undefined when nothing does. */
  stat(path: string): Promise<FileStat | undefined>
  /** Makes renames and new names in this directory survive a power loss. */
  syncDirectory(path: string): Promise<void>
  /**
   * An advisory lock of the kernel on an existing file or directory; undefined while a holder of the other kind, or
   * of an exclusive one, excludes it. Ends when it is disposed of and, whatever happens, with the process. It is
   * never waited for.
   */
  tryLock(path: string, kind: 'shared' | 'exclusive'): Promise<AsyncDisposable | undefined>
}

export interface CreateOptions {
  /** False: a loss of power may leave it empty, or nothing. True by default. */
  readonly synced?: boolean
}

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink' | 'socket' | 'other'
  /** Permission bits with setuid, setgid and sticky: `mode & 0o7777`. */
  readonly mode: number
  readonly uid: number
  /** Whether `uid` is the user that this process acts as. */
  readonly isOwn: boolean
  readonly gid: number
  readonly size: number
}
