import { readFile, stat } from 'node:fs/promises'
import { CausewayError } from '../../core/index.ts'

/** The account the server runs under when the hub is root, because Postgres refuses to run as root. */
export type Account = { uid: number; gid: number }

const PREFERRED = ['causeway', 'postgres', 'nobody']

/**
 * Who the server runs as: undefined means "as we are". As root it is the owner of an existing data folder, else the first of
 * causeway, postgres and nobody that this machine has. No account is created: a data folder is no reason to change a machine.
 * (initdb looks its account up in /etc/passwd, so a bare number would not do.)
 */
export async function serverAccount(dataFolder: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const owner = await stat(dataFolder).catch(() => undefined)
  if (owner && owner.uid !== 0) return { uid: owner.uid, gid: owner.gid }
  const entries = parsePasswd(await readFile('/etc/passwd', 'utf8'))
  for (const name of PREFERRED) {
    const account = entries.get(name)
    if (account && account.uid !== 0) return account
  }
  throw new CausewayError('CSW-6003', {
    what: `The hub runs as root, Postgres may not, and this machine has none of the accounts ${PREFERRED.join(', ')}.`,
    fix: 'Start the hub as another user, create the account `causeway`, or set `DATABASE_URL`.',
  })
}

function parsePasswd(text: string): Map<string, Account> {
  const accounts = new Map<string, Account>()
  for (const line of text.split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name && uid && gid) accounts.set(name, { uid: Number(uid), gid: Number(gid) })
  }
  return accounts
}
