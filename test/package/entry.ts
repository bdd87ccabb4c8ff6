/** What others' tools say of the packed file. */
import { readFile } from 'node:fs/promises'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'

/** What publint says, suggestions too. */
export async function publintSays(file: string): Promise<string[]> {
  const { buffer, byteOffset, byteLength } = await readFile(file)
  const tarball = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  const { messages, pkg } = await publint({ pack: { tarball }, strict: true, level: 'suggestion' })
  return messages.map((message) => formatMessage(message, pkg) ?? message.code)
}

/** Ways to resolve that the package does not serve: it is ESM only, for a Node far newer than those without `exports`. */
const NOT_SERVED = ['node10', 'node16-cjs']

/** What "are the types wrong" finds, by the kind of problem; undefined for a package without types. */
export async function attwSays(file: string): Promise<string[] | undefined> {
  const analysis = await checkPackage(createPackageFromTarballData(new Uint8Array(await readFile(file))))
  if (!analysis.types) return undefined
  return analysis.problems
    .filter((problem) => !('resolutionKind' in problem && NOT_SERVED.includes(problem.resolutionKind)))
    .map((problem) => ('entrypoint' in problem ? `${problem.entrypoint}: ${problem.kind}` : problem.kind))
}
