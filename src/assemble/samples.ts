import { resolve } from 'node:path'
import { checkHub, type Environment } from '../config/index.ts'
import type { HubFolder } from './files.ts'

/** Time between two rounds of changes in the sample systems. */
const CLOCK_MS = 5_000

/**
 * Starts the sample systems when the hub asks for them, and gives the environment with their addresses and keys. They run in
 * this process, so that nothing is left behind when it ends. Several hub processes need systems of their own elsewhere.
 */
export async function startSamples(
  options: HubFolder & { role: string },
): Promise<{ env: Environment; stop(): Promise<void> }> {
  const env = options.env ?? process.env
  const { settings } = await checkHub({ folder: options.dir, env, ...(options.flags ? { flags: options.flags } : {}) })
  const alone = options.role === 'all' || options.role === 'command'
  if (!settings.samples || !alone) return { env, stop: async () => {} }
  const { startSandbox } = await import('../../sandbox/index.ts')
  const sandbox = await startSandbox({
    dataDir: resolve(options.dir, settings.data_dir, 'samples'),
    clockMs: options.role === 'all' ? CLOCK_MS : 0,
  })
  return { env: { ...env, ...sandbox.env }, stop: () => sandbox.stop() }
}

/** The environment for checking files while the sample systems do not run. */
export async function checkingEnvironment(dir: string, env: Environment): Promise<Environment> {
  const { settings } = await checkHub({ folder: dir, env })
  if (!settings.samples) return env
  const { sampleEnvironment } = await import('../../sandbox/index.ts')
  return { ...sampleEnvironment(), ...env }
}
