import { withApi, withQuery } from './api.ts'
import type { CliContext } from './context.ts'
import { state, table, time } from './table.ts'

/** What is broken for one reason, as the API groups it. */
export type Problem = {
  code: string
  fingerprint: string
  status: string
  connection: string | null
  meaning: string
  action: string
  count: number
  firstSeenAt: string
  lastSeenAt: string
  syncs: string[]
}

/** Asks the hub what is broken, prints it under the name of the command, and gives it. */
export async function listProblems(
  context: CliContext,
  command: string,
  filter: { connection?: string },
): Promise<Problem[]> {
  const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/problems', filter)))
  const { items } = JSON.parse(json) as { items: Problem[] }
  context.output.result(command, json, () =>
    table(
      ['status', 'connection', 'code', 'cause', 'count', 'since', 'what'],
      items.map((item) => [
        state(item.status),
        item.connection,
        item.code,
        item.fingerprint,
        item.count,
        time(item.firstSeenAt),
        item.meaning,
      ]),
      'No problems.',
    ),
  )
  return items
}
