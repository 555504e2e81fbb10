/** Bind mounts of the mount namespace the program runs in. */
export interface Mounts {
  /** Binds `source` onto the existing `target`; `readOnly` remounts it read-only, nosuid, nodev, noexec in a second call. */
  bind(source: string, target: string, options: { readonly readOnly: boolean }): Promise<void>
  /** Unmounts the topmost mount at `target`. `HOST_NOT_MOUNTED` if there is none. */
  unmount(target: string, options?: { readonly detach?: boolean }): Promise<void>
  /** Mounts at or below `path`, deepest and newest first, from this process's mountinfo. */
  under(path: string): Promise<readonly Mount[]>
}

export interface Mount {
  readonly target: string
  /** Path inside the mounted file system that shows at `target`. */
  readonly root: string
  readonly readOnly: boolean
}
