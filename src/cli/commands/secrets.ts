import type { Command } from 'commander'
import { withApi } from '../api.ts'
import { demandYes } from '../confirmation.ts'
import type { MakeContext } from '../context.ts'
import { secretFromStdin } from '../secret-input.ts'
import { table, time } from '../table.ts'

type Keys = { from: string; keys: { id: string; current: boolean; present: boolean; secrets: number }[] }
type Rotation = { from: string; key: string; former: string[]; resealed: number; added: boolean }

type Stored = { holder: string; name: string; fields: string[]; storedAt: string | null }

const pathOf = (holder: string, secret?: string): string =>
  `/api/v1/connections/${encodeURIComponent(holder)}/secrets${secret === undefined ? '' : `/${encodeURIComponent(secret)}`}`

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('keys', { isDefault: true })
    .description('which master keys there are, and how many secrets need each')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', '/api/v1/secrets/keys'))
      context.output.result('secrets.keys', json, () => {
        const { from, keys } = JSON.parse(json) as Keys
        const rows = keys.map(({ id, current, present, secrets }) => [
          id,
          current ? 'current' : present ? 'former' : 'missing',
          secrets,
        ])
        return `${table(['key', 'is', 'secrets'], rows, 'No keys.')}\n${whereOf(from)}`
      })
    })

  command
    .command('list')
    .description('what the hub keeps for references store:NAME, or is asked to; no values')
    .argument('[holder]', 'name of a connection, or alerts.NAME for an alert route; all without it')
    .action(async (holder?: string) => {
      const context = makeContext()
      const path = holder === undefined ? '/api/v1/secrets' : pathOf(holder)
      const json = await withApi(context, (api) => api.call('GET', path))
      context.output.result('secrets.list', json, () => {
        const { items } = JSON.parse(json) as { items: Stored[] }
        const rows = items.map(({ holder: of, name, fields, storedAt }) => [
          of,
          name,
          storedAt ? time(storedAt) : 'missing',
          fields.join(', '),
        ])
        return table(['of', 'name', 'stored', 'for'], rows, 'Nothing is kept, and nothing is referred to.')
      })
    })

  command
    .command('store')
    .description('give the hub a secret to keep, sealed; the value is read from stdin')
    .argument('<holder>', 'name of the connection, or alerts.NAME for an alert route')
    .argument('<name>', 'NAME of its reference store:NAME')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async (holder: string, name: string, { reason }: { reason?: string }) => {
      const context = makeContext()
      const body = { value: await secretFromStdin('Secret'), ...(reason ? { reason } : {}) }
      const json = await withApi(context, (api) => api.call('POST', `${pathOf(holder, name)}/store`, body))
      context.output.result('secrets.store', json, () => {
        const { fields } = JSON.parse(json) as Stored
        return fields.length
          ? `${name} is kept for ${holder}: ${fields.join(', ')}.`
          : `${name} is kept, and nothing of ${holder} refers to it yet: write store:${name} into its secrets.`
      })
    })

  command
    .command('forget')
    .description('remove a secret that the hub keeps')
    .argument('<holder>', 'name of the connection, or alerts.NAME for an alert route')
    .argument('<name>', 'its name')
    .option('--reason <text>', 'why, for the audit trail')
    .option('--yes', 'do it; the secret cannot be brought back')
    .action(async (holder: string, name: string, { reason, yes }: { reason?: string; yes?: boolean }) => {
      const context = makeContext()
      demandYes(yes, 'a secret that was removed cannot be brought back')
      const path = `${pathOf(holder, name)}/forget`
      const json = await withApi(context, (api) => api.call('POST', path, reason ? { reason } : {}))
      context.output.result('secrets.forget', json, () =>
        (JSON.parse(json) as { forgotten: boolean }).forgotten ? `${name} is kept no more.` : `No ${name} was kept.`,
      )
    })

  command
    .command('rotate')
    .description('seal all secrets with a new master key; one that was cut off goes on')
    .option('--reason <text>', 'why, for the audit trail')
    .action(async ({ reason }: { reason?: string }) => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('POST', '/api/v1/secrets/rotate', reason ? { reason } : {}))
      context.output.result('secrets.rotate', json, () => {
        const { from, key, former, resealed, added } = JSON.parse(json) as Rotation
        const what = `${resealed} secrets were sealed anew with ${added ? 'the new key' : 'key'} ${key}.`
        if (!former.length) return what
        return from === 'file'
          ? `${what} Of the former ones nothing is left in the data folder; backups made before need them.`
          : `${what} Take the others out of CAUSEWAY_MASTER_KEY; backups made before need them.`
      })
    })
}

const whereOf = (from: string): string =>
  from === 'file' ? 'They are in the data folder.' : 'They come from CAUSEWAY_MASTER_KEY.'
