import { access, constants, mkdir, statfs } from 'node:fs/promises'
import type { Command } from 'commander'
import { asCausewayError } from '../../core/index.ts'
import { type Api, dataDirOf, findHub, openApi } from '../api.ts'
import { loadAssembly } from '../assembly.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../output.ts'
import { printable } from '../printable.ts'
import { probe } from '../probe.ts'

export type Check = { check: string; ok: boolean; detail: string; fix?: string }

const LOW_DISK_BYTES = 1024 ** 3

export function define(command: Command, makeContext: MakeContext): void {
  command
    .option('--offline', 'do not call the connected systems')
    .option('--restored', 'look at a ledger that comes from a backup, before anything is started')
    .action(async (options: { offline?: boolean; restored?: boolean }) => {
      const context = makeContext()
      const checks = await (options.restored ? restoredChecks(context) : runChecks(context, options.offline ?? false))
      const ok = checks.every((check) => check.ok)
      context.output.result('doctor', JSON.stringify({ ok, version: context.version, items: checks }), () =>
        checks.map(line).join('\n'),
      )
      if (!ok) process.exitCode = EXIT.failed
    })
}

/** A hub at work would change what is looked at. */
async function restoredChecks({ dir }: CliContext): Promise<Check[]> {
  const running = (await findHub(dir))?.running
  if (running)
    return [
      {
        check: 'hub',
        ok: false,
        detail: `runs at ${running.url}`,
        fix: 'Stop it: a restored ledger is looked at before the first start.',
      },
    ]
  return attempt('ledger', async () => (await loadAssembly()).checkRestored(dir))
}

/** Everything that the hub needs, looked at from here. */
export const runChecks = async (context: CliContext, offline: boolean): Promise<Check[]> => [
  { check: 'node', ok: true, detail: process.version },
  ...(await checkFolder(context)),
  ...(await checkSandbox()),
  ...(await checkHubItself(context, offline)),
]

const line = ({ check, ok, detail, fix }: Check): string =>
  `${ok ? paint('green', '✓') : paint('red', '✗')} ${check}  ${printable(detail)}${ok || !fix ? '' : `\n    fix: ${printable(fix)}`}`

/** A check that threw is a failed check, with the words of the error. */
async function attempt(check: string, work: () => Promise<Check[]>): Promise<Check[]> {
  try {
    return await work()
  } catch (thrown) {
    const error = asCausewayError(thrown)
    return [{ check, ok: false, detail: `${error.code} ${error.message}`, fix: error.fix }]
  }
}

async function checkFolder({ dir }: CliContext): Promise<Check[]> {
  return [
    ...(await attempt('files', async () => {
      const { findings, files } = await (await loadAssembly()).checkProject({ dir, paths: [] })
      const errors = findings.filter(({ severity }) => severity === 'error')
      const first = errors[0]
      return [
        first
          ? {
              check: 'files',
              ok: false,
              detail: `${errors.length} errors, the first: ${first.message}`,
              fix: 'Run `causeway validate`.',
            }
          : { check: 'files', ok: true, detail: `${files} checked` },
      ]
    })),
    ...(await attempt('data folder', async () => {
      const dataDir = await dataDirOf(dir)
      if (dataDir === undefined) return []
      await mkdir(dataDir, { recursive: true })
      await access(dataDir, constants.W_OK)
      const { bavail, bsize } = await statfs(dataDir)
      const free = bavail * bsize
      const detail = `${dataDir}, ${(free / 1024 ** 3).toFixed(1)} GiB free`
      return [
        {
          check: 'data folder',
          ok: free > LOW_DISK_BYTES,
          detail,
          fix: 'Make room: the ledger stops when the disk is full.',
        },
      ]
    })),
  ]
}

/** That mappings run, and what they are kept from. */
const checkSandbox = (): Promise<Check[]> =>
  attempt('sandbox', async () => {
    const isolation = await (await loadAssembly()).trySandbox()
    const network =
      isolation.network === 'namespace'
        ? 'no network (a namespace of its own)'
        : `the network is not taken away (${isolation.reason})`
    return [{ check: 'sandbox', ok: true, detail: `no environment, no files, no other programs; ${network}` }]
  })

async function checkHubItself(context: CliContext, offline: boolean): Promise<Check[]> {
  return attempt('hub', async () => {
    const running = (await findHub(context.dir))?.running
    const api = await openApi(context)
    try {
      return [
        {
          check: 'hub',
          ok: true,
          detail: running ? `runs at ${running.url}` : (api.url ?? 'not running; looked at in this process'),
        },
        ...(await systemChecks(api)),
        ...(offline ? [] : await connectionChecks(api)),
      ]
    } finally {
      await api.close()
    }
  })
}

async function systemChecks(api: Api): Promise<Check[]> {
  const asked = Date.now()
  const { checks } = JSON.parse(await api.call('GET', '/api/v1/system')) as {
    checks: { name: string; ok: boolean; detail?: string; code?: string }[]
  }
  return checks.map(({ name, ok, detail, code }) => ({
    check: name,
    ok,
    detail: [detail, code].filter(Boolean).join(' ') || `answered within ${Date.now() - asked} ms`,
    ...(code ? { fix: `Run \`causeway explain ${code}\`.` } : {}),
  }))
}

async function connectionChecks(api: Api): Promise<Check[]> {
  const { items } = JSON.parse(await api.call('GET', '/api/v1/connections?limit=500')) as {
    items: { name: string; state: string; stateReason: string | null }[]
  }
  const checks: Check[] = []
  for (const { name, state, stateReason } of items) {
    checks.push(
      ...(await attempt(`connection ${name}`, async () => {
        const { ok, steps } = await probe(api, name)
        const failed = steps.find((step) => !step.ok)
        const paused = state === 'active' ? '' : ` (${[state, stateReason].filter(Boolean).join(': ')})`
        return [
          {
            check: `connection ${name}`,
            ok,
            detail: failed ? `${failed.step}: ${failed.detail}` : `${steps.length} steps passed${paused}`,
            ...(failed?.fix ? { fix: failed.fix } : {}),
          },
        ]
      })),
    )
  }
  return checks
}
