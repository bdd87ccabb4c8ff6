import type { Command } from 'commander'
import { withApi } from '../api.ts'
import type { CliContext, MakeContext } from '../context.ts'
import { secretFromStdin } from '../secret-input.ts'
import { state, table, time } from '../table.ts'

type User = {
  name: string
  role: string
  issuer: string | null
  disabledAt: string | null
  lastLoginAt: string | null
}

const PATH = '/api/v1/users'
const ROLE = 'viewer, operator, editor or admin'

export function define(command: Command, makeContext: MakeContext): void {
  command
    .command('add')
    .description('let a person log in; the password is read from stdin')
    .argument('<name>', 'with which they log in')
    .requiredOption('--role <role>', ROLE)
    .action(async (name: string, { role }: { role: string }) => {
      const context = makeContext()
      const password = await secretFromStdin('Password')
      const json = await withApi(context, (api) => api.call('POST', PATH, { name, role, password }))
      context.output.result('users.add', json, () => `${name} may log in as ${role}.`)
    })

  command
    .command('list')
    .description('people who may log in')
    .action(async () => {
      const context = makeContext()
      const json = await withApi(context, (api) => api.call('GET', PATH))
      context.output.result('users.list', json, () => {
        const { items } = JSON.parse(json) as { items: User[] }
        const rows = items.map((user) => [
          user.name,
          user.role,
          state(user.disabledAt ? 'disabled' : 'active'),
          user.issuer ?? 'password',
          time(user.lastLoginAt),
        ])
        return table(['name', 'role', 'state', 'logs in by', 'last login'], rows, 'No users: log in with a token.')
      })
    })

  command
    .command('set-role')
    .description('give a person another role; their sessions end')
    .argument('<name>', 'whose')
    .argument('<role>', ROLE)
    .action((name: string, role: string) =>
      change(makeContext(), name, 'role', { role }, `${name} is ${role} from the next login on.`),
    )

  command
    .command('set-password')
    .description('give a person another password, read from stdin; their sessions end')
    .argument('<name>', 'whose')
    .action(async (name: string) => {
      const context = makeContext()
      await change(
        context,
        name,
        'password',
        { password: await secretFromStdin('Password') },
        `${name} has a new password.`,
      )
    })

  for (const [action, does, done] of [
    ['disable', 'let a person in no more; their sessions end', 'may log in no more.'],
    ['enable', 'let a person in again', 'may log in again.'],
  ] as const)
    command
      .command(action)
      .description(does)
      .argument('<name>', 'who')
      .action((name: string) => change(makeContext(), name, action, {}, `${name} ${done}`))
}

async function change(context: CliContext, name: string, what: string, body: object, says: string): Promise<void> {
  const path = `${PATH}/${encodeURIComponent(name)}/${what}`
  const json = await withApi(context, (api) => api.call('POST', path, body))
  context.output.result(`users.${what}`, json, () => says)
}
