/** `athenz-control-sia` as a static file (`libs/linux/native`). */
import { start } from '@pallas/linux/static'
import { runControlSia } from './control/control-sia.ts'

start((host, invocation) => runControlSia(host, invocation))
