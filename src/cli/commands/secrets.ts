import type { Command } from 'commander'
import { withApi } from '../api.ts'
import type { MakeContext } from '../context.ts'
import { table } from '../table.ts'

type Keys = { from: string; keys: { id: string; current: boolean; present: boolean; secrets: number }[] }
type Rotation = { from: string; key: string; former: string[]; resealed: number; added: boolean }

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
