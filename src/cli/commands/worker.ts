import type { Command } from 'commander'
import { type Hub, loadAssembly } from '../assembly.ts'
import { endInTime } from '../close-in-time.ts'
import { keepCompiled } from '../compile-cache.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { addSettingFlags, type SettingFlags, settingFlags } from '../setting-flags.ts'
import { untilStopped } from '../signals.ts'

export function define(command: Command, makeContext: MakeContext): void {
  addSettingFlags(command).action((options: Record<string, unknown>) =>
    work(makeContext({ longRunning: true }), settingFlags(options)),
  )
}

async function work(context: CliContext, flags: SettingFlags): Promise<void> {
  const stopped = untilStopped()
  const { openHub } = await loadAssembly()
  const hub = await openHub({ dir: context.dir, role: 'worker', flags })
  let inTime: (() => void) | undefined
  try {
    const monitoring = await monitored(hub, context.version)
    try {
      announce(context, monitoring?.url)
      keepCompiled()
      await stopped.signal
      inTime = endInTime(hub)
      // It says so for as long as work under way takes to end: probes and measurements go on meanwhile.
      monitoring?.drain()
      await hub.finishWork()
    } finally {
      await monitoring?.close()
    }
  } finally {
    await hub.close()
    inTime?.()
    stopped.release()
  }
}

/** The worker's own small server, where the settings ask for it. */
async function monitored(
  { settings, ...hub }: Hub,
  version: string,
): Promise<{ url: string; drain(): void; close(): Promise<void> } | undefined> {
  if (settings.metrics_port === null) return undefined
  // Without it a worker has no web server in its memory.
  const { buildMonitoring, listen, loadAdminToken } = await import('../../http/index.ts')
  const { token: adminToken } = await loadAdminToken(hub.dataDir, settings.admin_token ?? undefined)
  let draining = false
  const app = await buildMonitoring(hub.services, {
    access: hub.access,
    adminToken,
    metrics: hub.measure(version),
    logger: hub.logger,
    isDraining: () => draining,
  })
  const url = await listen(app, { host: settings.host, port: settings.metrics_port })
  return {
    url,
    drain: () => {
      draining = true
    },
    close: () => app.close(),
  }
}

const announce = ({ output }: CliContext, url: string | undefined): void =>
  output.result(
    'worker',
    JSON.stringify({ pid: process.pid, ...(url ? { url } : {}) }),
    () =>
      `Causeway works (process ${process.pid})${url ? `, ${url}/readyz and ${url}/metrics` : ''}. Stop with ctrl-c.`,
  )
