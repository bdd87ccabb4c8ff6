import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Why the Redis half cannot run here, or undefined when it can. */
export function redisMissing(): string | undefined {
  const found = spawnSync('redis-server', ['--version'], { stdio: 'ignore' })
  return found.error ? 'there is no redis-server on the PATH' : undefined
}

/** With this set (as CI does) a missing redis-server is a failure, not a reason to skip. */
export const redisRequired = process.env.CAUSEWAY_REQUIRE_REDIS === '1'

export type RedisServer = { port: number; restart(): Promise<void>; stop(): Promise<void> }

/** A Redis of our own on a free port that keeps nothing on disk: a restart loses everything, as a failover without replica does. */
export async function startRedis(): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'causeway-redis-'))
  const port = await freePort()
  let server = await launch(port, folder)
  return {
    port,
    async restart() {
      await kill(server)
      server = await launch(port, folder)
    },
    async stop() {
      await kill(server)
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function launch(port: number, folder: string): Promise<ChildProcess> {
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder]
  const child = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'inherit'] })
  return new Promise((ready, failed) => {
    child.once('error', failed)
    child.once('exit', (code) => failed(new Error(`redis-server ended with ${code}`)))
    child.stdout?.on('data', (chunk: Buffer) => {
      if (chunk.includes('Ready to accept connections')) ready(child)
    })
  })
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((done) => child.once('exit', done))
  child.kill('SIGKILL')
  await ended
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as { port: number }
  await new Promise((done) => server.close(done))
  return port
}
