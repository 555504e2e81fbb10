/**
 * What to do to a file system, one change each, in the words of the door's `Files` (`libs/host`). Paths are absolute.
 */
export type Step =
  | { readonly do: 'mkdirs'; readonly path: string; readonly mode: number }
  | { readonly do: 'mkdir'; readonly path: string; readonly mode: number }
  | { readonly do: 'create'; readonly path: string; readonly content: string | Uint8Array; readonly mode: number }
  | { readonly do: 'symlink'; readonly target: string; readonly path: string }
  | { readonly do: 'rename'; readonly from: string; readonly to: string }
  | { readonly do: 'unlink'; readonly path: string }
  /** Make the names in this directory survive a power loss. */
  | { readonly do: 'sync'; readonly path: string }
  /** Remove a directory and the files in it; it holds no directories. */
  | { readonly do: 'discard'; readonly path: string }
