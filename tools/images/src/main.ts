/** `npm run images`: see `command.ts` for what it takes, `catalogue.ts` for what it makes. Exit code 1 when one was not made. */
import { type Image, IMAGES } from './catalogue.ts'
import { type Command, HELP, parseCommand } from './command.ts'
import { makeImages, OUT, writeFiles } from './make-images.ts'
import { explain, HEADING, lineOf, listLine } from './table.ts'

const EX_USAGE = 64

const say = (line: string): void => void process.stdout.write(`${line}\n`)
const mutter = (line: string): void => void process.stderr.write(`${line}\n`)

async function main(command: Command): Promise<number> {
  switch (command.kind) {
    case 'help':
      say(HELP)
      return 0
    case 'wrong':
      mutter(`${command.problem}\n\n${HELP}`)
      return EX_USAGE
    case 'list':
      for (const image of IMAGES) say(listLine(image))
      return 0
    case 'files':
      await writeFiles(command.images, command.dir, { signal: stopSignal(), say: mutter })
      return 0
    case 'make':
      return make(command.images, stopSignal())
  }
}

function stopSignal(): AbortSignal {
  const stop = new AbortController()
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => stop.abort(new Error(`stopped by ${name}`)))
  return stop.signal
}

async function make(images: readonly Image[], signal: AbortSignal): Promise<number> {
  const start = performance.now()
  let failures = 0
  say(HEADING)
  for await (const made of makeImages(images, signal, mutter)) {
    if ('failure' in made.result) failures += 1
    say(lineOf(made))
  }
  const seconds = ((performance.now() - start) / 1_000).toFixed(1)
  say(`${images.length - failures} of ${images.length} images in ${OUT}, in ${seconds} s`)
  return failures === 0 ? 0 : 1
}

process.exitCode = await main(parseCommand(process.argv.slice(2))).catch((error: unknown) => {
  mutter(`failed: ${explain(error)}`)
  return 1
})
