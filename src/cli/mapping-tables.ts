/** Table files travel with the text of a mapping: the hub reads no files that a request names. */
import { loadAssembly } from './assembly.ts'

type Tables = Readonly<Record<string, string>>

/** The texts of the table files that a mapping names; one that cannot be read is left out, and the hub takes those it knows. */
export async function tablesOf(text: string, read: (path: string) => Promise<string | undefined>): Promise<Tables> {
  const paths = (await loadAssembly()).tableFilesOf(text)
  const texts = await Promise.all(paths.map(async (path) => [path, await read(path)] as const))
  return Object.fromEntries(texts.filter((pair): pair is [string, string] => pair[1] !== undefined))
}

/** As a field of a request; nothing where there are none. */
export const tablesField = <N extends string>(name: N, tables: Tables | undefined): Partial<Record<N, Tables>> =>
  tables && Object.keys(tables).length > 0 ? ({ [name]: tables } as Record<N, Tables>) : {}
