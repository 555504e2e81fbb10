/** Bind mounts of the mount namespace the program runs in. */
export interface Mounts {
  /**
   * Shows the directory `source` at the existing directory `target`, without what is mounted below either, now or
   * later, also where mounts are shared.
   *
   * `readOnly` means read-only, nosuid, nodev and noexec. A kernel from 5.12 shows it only once it is so; an older
   * one needs a second call for that. When any call fails nothing stays mounted.
   */
  bind(source: string, target: string, options: { readonly readOnly: boolean }): Promise<void>
  /** Unmounts the topmost mount at `target`; `HOST_NOT_MOUNTED` if there is none, `HOST_BUSY` while it is in use. */
  unmount(target: string): Promise<void>
  /**
   * Mounts at or below `path`, in the order in which they can be unmounted: what lies on another comes first.
   *
   * Symlinks on the way to the last component of `path` are followed, so that a moved root does not hide a mount.
   */
  under(path: string): Promise<readonly Mount[]>
}

export interface Mount {
  /** Where it is seen, symlinks resolved. */
  readonly target: string
  /** Path inside the mounted file system that shows at `target`. */
  readonly root: string
  readonly readOnly: boolean
}
