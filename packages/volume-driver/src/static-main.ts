/** `athenz-volume-driver` as a static file (`libs/linux/native`). */
import { start } from '@pallas/linux/static'
import { runDriver } from './run.ts'

start(async (host, invocation) => {
  await runDriver(host, invocation)
  return 0
})
