import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { CausewayError, createLogger } from '../core/index.ts'
import { type AdminToken, buildServer, listen, loadAdminToken } from '../http/index.ts'
import { dataDirOf } from './api.ts'
import { type Hub, type HubRole, loadAssembly } from './assembly.ts'
import { endInTime } from './close-in-time.ts'
import { keepCompiled } from './compile-cache.ts'
import type { CliContext } from './context.ts'
import { packageRoot } from './package-info.ts'
import { announceHub, findRunningHub, withdrawHub } from './running-hub.ts'
import { type SettingFlags, settingFlags } from './setting-flags.ts'
import { untilStopped } from './signals.ts'
import { leaveSignpost } from './signposts.ts'

export type ServingOptions = { watch?: boolean } & Record<string, unknown>

/** Opens the hub in a role, serves its API until a signal comes, and closes everything in order. */
export async function serveHub(context: CliContext, role: HubRole, options: ServingOptions): Promise<void> {
  const flags = settingFlags(options)
  await refuseSecondHub(context, flags)
  const { openHub } = await loadAssembly()
  const stopped = untilStopped()
  if (context.output.isForPeople) context.output.note('Starting …')
  const hub = await openHub({
    dir: context.dir,
    role,
    flags,
    ...(options.watch ? { watch: true } : {}),
    ...(context.output.isForPeople ? {} : { logger: createLogger({ destination: process.stderr }) }),
  })
  // From the signal on, because requests that are still coming in hold up the server's end too.
  let inTime: (() => void) | undefined
  void stopped.signal.then(() => {
    inTime = endInTime(hub)
  })
  try {
    await listenUntil(stopped, hub, context)
  } finally {
    inTime ??= endInTime(hub)
    await hub.close()
    inTime()
    stopped.release()
  }
}

async function refuseSecondHub(context: CliContext, flags: SettingFlags): Promise<void> {
  const dataDir = await dataDirOf(context.dir, flags)
  const running = dataDir === undefined ? undefined : await findRunningHub(dataDir)
  if (running)
    throw new CausewayError('CSW-8022', {
      what: `A hub runs in this folder already: ${running.url} (process ${running.pid}).`,
    })
}

async function listenUntil(stopped: ReturnType<typeof untilStopped>, hub: Hub, context: CliContext): Promise<void> {
  const adminToken = await loadAdminToken(hub.dataDir, hub.settings.admin_token ?? undefined)
  let draining = false
  const pageFolder = join(packageRoot(), 'dist', 'ui')
  const hasPage = existsSync(join(pageFolder, 'index.html'))
  const app = await buildServer(hub.services, {
    database: hub.pool,
    access: hub.access,
    adminToken: adminToken.token,
    publicUrl: hub.settings.public_url,
    trustedProxies: hub.settings.trusted_proxies,
    limits: { requestsPerMinute: hub.settings.api_requests_per_minute },
    metrics: hub.measure(context.version),
    version: context.version,
    logger: hub.logger,
    isDraining: () => draining,
    ...(hasPage ? { pageFolder } : {}),
  })
  const { host } = hub.settings
  const url = await listen(app, hub.settings)
  await announceHub(hub.dataDir, { url, pid: process.pid, startedAt: new Date().toISOString() })
  const withdrawSignpost = await signpost(context.dir, hub.dataDir)
  // A checkout that was not built has no pages; the document is there all the same.
  announce(context, url, `${url}${hasPage ? '/docs' : '/openapi.json'}`, adminToken)
  keepCompiled()
  try {
    await stopped.signal
    // Load balancers look at /readyz every few seconds at most; those that look more often get a moment.
    draining = true
    await sleep(host === '127.0.0.1' ? 0 : 1_000)
  } finally {
    await withdrawHub(hub.dataDir, process.pid)
    await withdrawSignpost()
    await app.close()
  }
}

/** Left only where commands that know the hub folder alone would look elsewhere. */
async function signpost(dir: string, dataDir: string): Promise<() => Promise<void>> {
  const { CAUSEWAY_DATA_DIR: _named, ...env } = process.env
  return (await dataDirOf(dir, {}, env)) === dataDir ? async () => {} : leaveSignpost(dir, dataDir)
}

/** A token that this start made is shown to who started it, and never again; programs read its file. */
function announce(context: CliContext, url: string, docs: string, { token, file: tokenFile, isNew }: AdminToken): void {
  context.output.result('start', JSON.stringify({ url, docs, tokenFile, pid: process.pid }), () =>
    [
      `Causeway runs at ${url}`,
      `API docs         ${docs}`,
      `Webhooks         ${url}/hooks/<connection>`,
      `Admin token      ${tokenFile ?? 'as configured (CAUSEWAY_ADMIN_TOKEN)'}`,
      ...(isNew ? [`                 ${token} (shown this once)`] : []),
      'Stop with ctrl-c.',
    ].join('\n'),
  )
}
