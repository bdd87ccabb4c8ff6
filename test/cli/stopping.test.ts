/** How a serving process ends when it is told to, with a request that does not end: a process of its own and a real socket. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { hubFolder, TOKEN, until } from '../e2e/hub-process.ts'
import { Peer } from '../e2e/peer.ts'
import { freshDatabase } from '../postgres.ts'
import { BIN, CACHE } from './run-cli.ts'

test('a request that is still coming in counts among the time that a process has to end', async () => {
  const peer = await Peer.start()
  const database = await freshDatabase()
  const dir = await hubFolder(peer.url)
  const child = spawn(process.execPath, [BIN, '-C', dir, '-o', 'json', 'serve', '--port', '0'], {
    env: {
      ...{ PATH: process.env.PATH, XDG_CACHE_HOME: CACHE, PEER_TOKEN: TOKEN, DATABASE_URL: database.url },
      CAUSEWAY_DATA_DIR: await mkdtemp(join(tmpdir(), 'causeway-serve-')),
      CAUSEWAY_SHUTDOWN_SECONDS: '1',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let output = ''
  let log = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (log += chunk))
  const url = await until(
    () => (child.exitCode === null ? /"url":"([^"]+)"/.exec(output)?.[1] : `it ended: ${output}${log}`),
    Boolean,
  )
  const { hostname, port } = new URL(url!)
  const slow = connect(Number(port), hostname).on('error', () => undefined)
  onTestFinished(() => void slow.destroy())
  await once(slow, 'connect')
  slow.write('POST /hooks/peer HTTP/1.1\r\nhost: hub\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{')
  // An answer on another connection: the bytes of the first one have been read by then.
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  expect((await ended)[0]).toBe(0)
  // The server itself would have waited for the rest of the request first, and the work would have had its second afterwards.
  expect(log).toContain('work under way did not finish in time')
}, 240_000)
