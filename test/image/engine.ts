import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Set by run.sh: holds images, containers and the programs that are not installed. */
export const FOLDER = process.env.CAUSEWAY_ENGINE_FOLDER ?? ''
if (FOLDER === '') throw new Error('npm run test:image makes the images that these tests run')

/** What the Dockerfile became. */
export const IMAGE = 'localhost/causeway'

/** How compose.yaml wants its processes to run. */
export const CONFINED = ['--read-only', '--tmpfs', '/tmp', '--cap-drop', 'all', '--security-opt', 'no-new-privileges']

/** Runs podman to its end; throws with what it said. */
export async function podman(...args: string[]): Promise<string> {
  const { stdout } = await run('podman', args, { maxBuffer: 1 << 26 })
  return stdout.trim()
}

/**
 * Carries out a container's own check of health once, as the engine would by its timer, and gives what the engine thinks of it now. In the
 * time to start podman 4 takes what failed for healthy, so the outcome of the check itself counts as well.
 */
export async function healthOf(container: string): Promise<string> {
  const passed = await run('podman', ['healthcheck', 'run', container]).then(
    () => true,
    () => false,
  )
  return passed ? podman('inspect', container, '--format', '{{.State.Health.Status}}') : 'the check fails'
}

/** Goes on checking the health of all that runs until it is told to stop. */
export function watchHealth(): () => Promise<void> {
  let isOver = false
  const watching = (async () => {
    while (!isOver) {
      const running = await podman('ps', '--quiet', '--filter', 'status=running').catch(() => '')
      for (const container of running.split('\n').filter(Boolean))
        if (!isOver) await healthOf(container).catch(() => '')
      await new Promise((resolve) => setTimeout(resolve, 1000))
    }
  })()
  return () => {
    isOver = true
    return watching
  }
}
