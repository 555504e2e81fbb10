/** `npm run check`: everything that can be said about the code without running it. Exit code 1 and every complaint, or 0. */
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { STEPS, writeDocs } from './steps.ts'

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))))

if (process.argv.includes('--write-docs')) writeDocs(root)
else {
  for (const step of STEPS) {
    const start = performance.now()
    const complaints = await step.run(root)
    const seconds = ((performance.now() - start) / 1_000).toFixed(1)
    console.log(`${complaints.length === 0 ? 'ok  ' : 'FAIL'} ${step.name} (${seconds} s)`)
    for (const complaint of complaints) console.error(complaint)
    if (complaints.length > 0) process.exitCode = 1
  }
}
