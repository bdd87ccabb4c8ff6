import type { Command } from 'commander'
import { type ErrorCode, errorRegistry, formatPlace, nearestName, parseExact } from '../../core/index.ts'
import type { Explanation } from '../../http/index.ts'
import { withApi, withQuery } from '../api.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { printable } from '../printable.ts'
import { usageError } from '../report-error.ts'
import { fields, time } from '../table.ts'
import { value } from './plan.ts'

/** `connection:stream/id`; the id may hold anything. */
const TARGET = /^([A-Za-z][\w-]*:[^/\s]+)\/(.+)$/

export function define(command: Command, makeContext: MakeContext): void {
  command
    .argument('<subject>', 'an error code like CSW-3003, or a target record like erp:customers/C-7')
    .argument('[field]', 'only this field of the target record')
    .action(async (subject: string, field: string | undefined) => {
      const context = makeContext()
      const target = TARGET.exec(subject)
      if (target) await explainTarget(context, target[1]!, target[2]!, field)
      else explainCode(context, subject)
    })
}

function explainCode(context: CliContext, given: string): void {
  const code = given.toUpperCase()
  if (!(code in errorRegistry)) {
    const near = nearestName(code, Object.keys(errorRegistry))
    throw usageError(`There is no error code ${JSON.stringify(given)}.`, near && `Did you mean "${near}"?`)
  }
  const entry = errorRegistry[code as ErrorCode]
  context.output.result('explain', JSON.stringify({ code, ...entry }), () =>
    fields([
      ['code', code],
      ['meaning', entry.meaning],
      ['to do', entry.action],
      ['cause', entry.causeClass],
      ['reaction', entry.reaction],
    ]),
  )
}

async function explainTarget(context: CliContext, stream: string, id: string, field: string | undefined) {
  const json = await withApi(context, (api) => api.call('GET', withQuery('/api/v1/explain', { stream, id, field })))
  context.output.result('explain', json, () => explanationText(parseExact(json) as unknown as Explanation))
}

function explanationText({ stream, id, deliveries }: Explanation): string {
  if (!deliveries.length) return `${stream} ${id} is linked, and nothing was written to it.`
  return deliveries
    .map((delivery) => {
      const { sync, from, record, part, state, runId, at, operation, mappingVersion } = delivery
      const head = fields([
        ['target', `${stream} ${id}`],
        ['source', `${from} ${record}${part ? ` part ${part}` : ''}`],
        ['sync', `${sync}, mapping ${mappingVersion.slice(0, 12)}`],
        ['state', state],
        ['last', `${operation ?? 'matched'} in run ${runId ?? '–'}, ${time(String(at))}`],
      ])
      return [head, ...delivery.fields.map(fieldText)].join('\n')
    })
    .join('\n\n')
}

function fieldText({
  field,
  value: given,
  expression,
  place,
  reads,
}: Explanation['deliveries'][number]['fields'][number]) {
  const source = reads.map(({ path, value: read }) => `${path} = ${value(read)}`).join(', ')
  return [
    `${printable(field)}: ${value(given)}`,
    ...(expression === null ? [] : [`    ${printable(expression)}   ${place ? formatPlace(place) : ''}`]),
    ...(source ? [`    from ${printable(source)}`] : []),
  ].join('\n')
}
