/** Runs the command given as arguments where the sandbox would run: in a mount namespace of its own, if that is allowed. */
import { runIsolated } from './namespace.ts'

process.exitCode = await runIsolated(process.argv.slice(2))
