import { readdirSync } from 'node:fs'
import type { Row } from '../rig/row.ts'

/** All rows, in the order of their ids. A row is a file of this folder that exports `row`. */
export async function allRows(): Promise<Row[]> {
  const files = readdirSync(import.meta.dirname).filter((name) => /^[a-z]\d+-.*\.ts$/.test(name))
  const modules = await Promise.all(files.map((name) => import(`./${name}`) as Promise<{ row: Row }>))
  const rank = ({ id }: Row): string => `${id[0]}${id.slice(1).padStart(3, '0')}`
  return modules.map(({ row }) => row).sort((a, b) => (rank(a) < rank(b) ? -1 : 1))
}
