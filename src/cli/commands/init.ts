import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Command } from 'commander'
import { CausewayError } from '../../core/index.ts'
import type { MakeContext } from '../context.ts'
import { packageRoot } from '../package-info.ts'
import { usageError } from '../report-error.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command.argument('[dir]', 'folder to write; made when it does not exist', '.').action(async (dir: string) => {
    const context = makeContext()
    const target = resolve(context.dir, dir)
    const files = await writeTemplate(join(packageRoot(), 'src', 'cli', 'template'), target)
    await writeSchemas(target)
    const shown = relative(process.cwd(), target) || '.'
    context.output.result('init', JSON.stringify({ dir: target, files }), () =>
      [
        `Wrote ${files.length} files to ${shown}:`,
        ...files.map((file) => `  ${file}`),
        'Next:',
        ...(shown === '.' ? [] : [`  cd ${shown}`]),
        '  npx causeway test       # run the tests of the example mapping',
        '  npx causeway start      # sample systems, database, API and workers in one process',
      ].join('\n'),
    )
  })
}

/** Copies the template. npm leaves `.gitignore` out of packages, so it travels under another name. */
async function writeTemplate(template: string, target: string): Promise<string[]> {
  const entries = await readdir(template, { recursive: true, withFileTypes: true })
  const sources = entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(template, join(entry.parentPath, entry.name)))
  const files = sources
    .map((source) => ({ source, file: source === 'gitignore' ? '.gitignore' : source }))
    .sort((a, b) => (a.file < b.file ? -1 : 1))
  if (!files.length)
    throw new CausewayError('CSW-1003', {
      what: 'The template of a hub folder is missing from this installation.',
      fix: 'Install Causeway again.',
    })
  await refuseOverwriting(
    target,
    files.map(({ file }) => file),
  )
  for (const { source, file } of files) {
    const path = join(target, file)
    await mkdir(dirname(path), { recursive: true })
    // `wx`: even a file that appears between the look and the write is left alone.
    await writeFile(path, await readFile(join(template, source)), { flag: 'wx' })
  }
  return files.map(({ file }) => file)
}

/** JSON Schemas for editors, from the same source as the checks; made anew by every `init`, so they are not for git. */
async function writeSchemas(target: string): Promise<void> {
  const [{ hubFileSchema }, { mappingFileSchema }] = await Promise.all([
    import('../../config/index.ts'),
    import('../../mapping/index.ts'),
  ])
  await mkdir(join(target, '.schemas'), { recursive: true })
  for (const [name, schema] of [
    ['causeway', hubFileSchema],
    ['mapping', mappingFileSchema],
  ] as const)
    await writeFile(join(target, '.schemas', `${name}.schema.json`), `${JSON.stringify(schema, null, 2)}\n`)
}

async function refuseOverwriting(target: string, files: string[]): Promise<void> {
  const present = await readdir(target, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    if (error.code === 'ENOTDIR') throw usageError(`${target} is a file, not a folder.`)
    throw error
  })
  const there = new Set(present)
  const clash = files.filter((file) => there.has(file))
  if (clash.length)
    throw new CausewayError('CSW-8023', {
      what: `${target} holds ${clash.join(', ')} already.`,
      data: { files: clash },
    })
}
