import type { Command } from 'commander'
import { withApi, withQuery } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { probe, stepLines } from '../probe.ts'
import { fields, state, table, time } from '../table.ts'

type Connection = {
  name: string
  connector: string
  state: string
  stateReason: string | null
  waitUntil: string | null
  lastPullSuccessAt: string | null
  lastPushSuccessAt: string | null
  openDeadLetters: number
}
type Detail = {
  connection: Connection
  streams: { name: string; seq: number; lastSuccessAt: string | null; pullFailures: number }[]
}

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('connections with state and waits')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/connections', { limit: 500 })))
      context.output.result('connections.list', json, () => {
        const { items } = JSON.parse(json) as { items: Connection[] }
        const rows = items.map((item) => [
          item.name,
          item.connector,
          state(item.state),
          time(item.lastPullSuccessAt),
          time(item.lastPushSuccessAt),
          time(item.waitUntil),
          item.openDeadLetters,
        ])
        return table(
          ['connection', 'connector', 'state', 'last pull', 'last push', 'waits until', 'dead'],
          rows,
          'No connections.',
        )
      })
    })

  command
    .command('show')
    .description('one connection with its streams')
    .argument('<name>', 'name of the connection')
    .action(async (name: string) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', `/api/v1/connections/${encodeURIComponent(name)}`))
      context.output.result('connections.show', json, () => {
        const { connection, streams } = JSON.parse(json) as Detail
        const head = fields([
          ['connection', connection.name],
          ['connector', connection.connector],
          ['state', [connection.state, connection.stateReason].filter(Boolean).join(': ')],
          ['waits until', time(connection.waitUntil)],
        ])
        const rows = streams.map((stream) => [stream.name, stream.seq, time(stream.lastSuccessAt), stream.pullFailures])
        return `${head}\n\n${table(['stream', 'changes', 'last pull', 'failures'], rows, 'No streams.')}`
      })
    })

  command
    .command('test')
    .description('walk DNS, TLS, authorisation and a first page, without writing')
    .argument('<name>', 'name of the connection')
    .action(async (name: string) => {
      const context = makeContext()
      const result = await withApi(context, (api) => probe(api, name))
      context.output.result('connections.test', JSON.stringify(result), () => stepLines(result))
      if (!result.ok) process.exitCode = EXIT.remote
    })

  for (const action of ['pause', 'resume'] as const)
    command
      .command(action)
      .description(action === 'pause' ? 'start no more work for it' : 'go on')
      .argument('<name>', 'name of the connection')
      .option('--reason <text>', 'why, for the audit trail')
      .action(async (name: string, options: { reason?: string }) => {
        const context = makeContext()
        const path = `/api/v1/connections/${encodeURIComponent(name)}/${action}`
        const json = await withApi(context, (api) => api.call('POST', path, options))
        context.output.result(
          `connections.${action}`,
          json,
          () => `${name} is ${(JSON.parse(json) as Connection).state}.`,
        )
      })
}
