/** Inputs that targets begin with: those that were kept because they found something, and plain ones. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Target } from './loop.ts'

export const CORPUS = join(import.meta.dirname, 'corpus')

const keptFor = ({ name }: Target): Buffer[] => {
  const folder = join(CORPUS, name)
  return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : []
}

export const corpusOf = (target: Target): Buffer[] => [...target.seeds(), ...keptFor(target)]
