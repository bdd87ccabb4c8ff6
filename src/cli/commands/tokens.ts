import type { Command } from 'commander'
import { withApi } from '../api.ts'
import { demandYes } from '../confirmation.ts'
import type { MakeContext } from '../context.ts'
import { usageError } from '../report-error.ts'
import { state, table, time } from '../table.ts'

type Token = {
  id: number
  name: string
  prefix: string
  role: string
  scopes: string[] | null
  createdBy: string
  expiresAt: string | null
  lastUsedAt: string | null
  revokedAt: string | null
}
type Wish = { role: string; scope?: string[]; days?: string }

const PATH = '/api/v1/tokens'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('create')
    .description('make a token for a program; it is shown once')
    .argument('<name>', 'what it is for; the audit names it')
    .requiredOption('--role <role>', 'viewer, operator, editor or admin')
    .option('--scope <scopes...>', 'only these scopes of the role')
    .option('--days <number>', 'days until it ends, or `never`; 90 unless told')
    .action(async (name: string, { role, scope, days }: Wish) => {
      const context = makeContext()
      const body = {
        name,
        role,
        ...(scope ? { scopes: scope } : {}),
        ...(days === undefined ? {} : { expiresAt: ends(days) }),
      }
      const json = await withApi(context, (api) => api.call('POST', PATH, body))
      context.output.result('tokens.create', json, () => {
        const { secret } = JSON.parse(json) as { secret: string }
        return `${secret}\nKeep it now: it is shown only this once.`
      })
    })

  command
    .command('list')
    .description('tokens, without the tokens themselves')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', PATH))
      context.output.result('tokens.list', json, () => {
        const { items } = JSON.parse(json) as { items: Token[] }
        const rows = items.map((token) => [
          token.id,
          token.name,
          `${token.prefix}…`,
          token.scopes ? `${token.role}: ${token.scopes.join(' ')}` : token.role,
          state(standing(token)),
          time(token.lastUsedAt),
          time(token.expiresAt),
          token.createdBy,
        ])
        return table(['id', 'name', 'token', 'role', 'state', 'used', 'ends', 'made by'], rows, 'No tokens.')
      })
    })

  command
    .command('revoke')
    .description('end a token now')
    .argument('<id>', 'number of the token')
    .option('--yes', 'do it; a token that has ended stays so')
    .action(async (id: string, { yes }: { yes?: boolean }) => {
      const context = makeContext()
      demandYes(yes, 'a token that has ended stays so')
      const json = await withApi(context, (api) => api.call('POST', `${PATH}/${encodeURIComponent(id)}/revoke`, {}))
      context.output.result('tokens.revoke', json, () => `${(JSON.parse(json) as Token).name} has ended.`)
    })
}

const standing = ({ revokedAt, expiresAt }: Token): string => {
  if (revokedAt) return 'revoked'
  return expiresAt && Date.parse(expiresAt) <= Date.now() ? 'expired' : 'active'
}

const DAY_MS = 86_400_000

function ends(days: string): string | null {
  if (days === 'never') return null
  const count = Number(days)
  if (!(count > 0 && count <= 36_500))
    throw usageError(`--days ${JSON.stringify(days)} is not a number of days.`, 'Write a number, or `never`.')
  return new Date(Date.now() + count * DAY_MS).toISOString()
}
