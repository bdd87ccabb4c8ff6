import { open } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { strToU8, zip } from 'fflate'
import { CausewayError } from '../../core/index.ts'
import { withApi } from '../api.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { type Check, runChecks } from './doctor.ts'

type File = { name: string; text: string }

export function define(command: Command, makeContext: MakeContext): void {
  command
    .option('--out <file>', 'where to write it (causeway-support-<time>.zip here)')
    .option('--offline', 'do not call the connected systems')
    .action(async ({ out, offline }: { out?: string; offline?: boolean }) => {
      const context = makeContext()
      const files = await collect(context, offline ?? false)
      const file = resolve(out ?? `causeway-support-${new Date().toISOString().replace(/[-:]|\.\d+/g, '')}.zip`)
      await writeNew(file, await zipped(files))
      const names = files.map(({ name }) => name)
      context.output.result('support-bundle', JSON.stringify({ file, files: names }), () =>
        [
          `${file} holds ${names.join(', ')}.`,
          'No secrets and no values of records are in it. Look through it before you send it.',
        ].join('\n'),
      )
    })
}

/** The hub says what it knows, wherever it runs; the checks are of where this command runs, so of a hub elsewhere there are none. */
async function collect(context: CliContext, offline: boolean): Promise<File[]> {
  const json = await withApi(context, (api) => api.call('GET', '/api/v1/support'))
  const { files } = JSON.parse(json) as { files: File[] }
  if (context.url !== undefined) return files
  const checks = (await runChecks(context, offline)).map(shownCheck)
  return [{ name: 'doctor.json', text: `${JSON.stringify({ version: context.version, checks }, null, 2)}\n` }, ...files]
}

/** Details only of what is of this machine: those of connections and files quote systems, paths and lines. */
const OWN = new Set(['node', 'sandbox', 'database', 'migrations', 'queue'])
const shownCheck = ({ check, ok, detail }: Check): object => ({
  check,
  ok,
  ...(OWN.has(check) ? { detail } : {}),
  code: /CSW-[0-9]{4}/.exec(detail)?.[0] ?? null,
})

const zipped = (files: readonly File[]): Promise<Uint8Array> =>
  new Promise((done, failed) => {
    zip(Object.fromEntries(files.map(({ name, text }) => [name, strToU8(text)])), (error, bytes) =>
      error ? failed(error) : done(bytes),
    )
  })

/** For its owner only, and never over something. */
async function writeNew(file: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    throw new CausewayError(cause.code === 'EEXIST' ? 'CSW-8023' : 'CSW-1003', {
      what: `${file} cannot be written (${cause.code}).`,
      cause,
    })
  })
  try {
    await handle.writeFile(bytes)
  } finally {
    await handle.close()
  }
}
