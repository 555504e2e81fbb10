/** `athenz-sia` as a static file (`libs/linux/native`): without companions. */
import { start } from '@pallas/linux/static'
import { runSia } from './sia.ts'

start((host, invocation) => runSia(host, invocation))
