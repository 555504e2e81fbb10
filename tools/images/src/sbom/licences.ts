/** The licence texts of the npm packages in a bundle, which their licences ask to be kept with it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { packagePlace } from './npm.ts'

/** One text: each package's name and what it says. `inputs` are the files of the bundle, below `root`. */
export async function licenceTexts(root: string, inputs: readonly string[]): Promise<string> {
  const places = [...new Set(inputs.map(packagePlace).filter((place) => place !== undefined))].sort()
  const texts: string[] = []
  for (const place of places) texts.push(`=== ${place}\n\n${await licenceText(join(root, place))}\n`)
  return texts.join('\n')
}

async function licenceText(dir: string): Promise<string> {
  const names = (await readdir(dir)).filter((name) => /^(licen[cs]e|copying|notice)/i.test(name)).sort()
  const texts: string[] = []
  for (const name of names) texts.push((await readFile(join(dir, name), 'utf8')).trim())
  if (texts.length > 0) return texts.join('\n\n')
  const { license } = JSON.parse(await readFile(join(dir, 'package.json'), 'utf8')) as { license?: string }
  return `(no text of its own; its manifest says: ${license ?? 'nothing'})`
}
