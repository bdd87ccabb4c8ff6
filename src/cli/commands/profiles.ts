import type { Command } from 'commander'
import type { MakeContext } from '../context.ts'
import { profileNamed, readProfiles, saveProfiles } from '../profiles.ts'
import { usageError } from '../report-error.ts'
import { table } from '../table.ts'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('list')
    .description('hubs by name, for `--profile`')
    .action(() => {
      const { output } = makeContext()
      const items = [...readProfiles()].map(([name, profile]) => ({ name, ...profile }))
      output.result('profiles.list', JSON.stringify({ items }), () =>
        table(
          ['profile', 'hub', 'token in'],
          items.map(({ name, url, tokenFile }) => [name, url, tokenFile ?? null]),
          'No profiles.',
        ),
      )
    })

  command
    .command('set')
    .description('remember the hub of `--url` and the file of `--token-file` under a name')
    .argument('<profile>', 'name to use with `--profile`')
    .action((name: string) => {
      const { output, url, tokenFile } = makeContext()
      if (url === undefined) throw usageError('A profile needs the address of a hub.', 'Give it with `--url`.')
      if (!/^https?:\/\/[^\s@]+$/.test(url))
        throw usageError(`${JSON.stringify(url)} is not the URL of a hub.`, 'Write it like https://hub.example.com.')
      const profile = { url, ...(tokenFile === undefined ? {} : { tokenFile }) }
      saveProfiles(readProfiles().set(name, profile))
      output.result('profiles.set', JSON.stringify({ name, ...profile }), () => `\`--profile ${name}\` means ${url}.`)
    })

  command
    .command('remove')
    .description('forget a name')
    .argument('<profile>', 'name of the profile')
    .action((name: string) => {
      const { output } = makeContext()
      profileNamed(name)
      const profiles = readProfiles()
      profiles.delete(name)
      saveProfiles(profiles)
      output.result('profiles.remove', JSON.stringify({ name }), () => `${name} is forgotten.`)
    })
}
