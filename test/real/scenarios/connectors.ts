/** The connectors by themselves, for what the syncs do not touch: odd names, large files, rights, the size of a directory. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { type ConnectorSession, loadConnectors } from '../../../src/connector/index.ts'
import type { JsonObject } from '../../../src/core/index.ts'
import { never, readAll } from '../../connector/protocols/open.ts'
import { shopCount } from '../boot/mariadb.ts'
import { formerCount, peopleCount } from '../boot/openldap-seed.ts'
import { stockCount } from '../boot/postgresql.ts'
import { customerCount, productCount, supplierCount } from '../boot/tryton-seed.ts'
import { bigFileBytes, oddNames, seededDocuments } from '../boot/webdav-seed.ts'
import type { Report } from '../report.ts'

type Env = Record<string, string>
const catalogue = loadConnectors([fileURLToPath(new URL('../../../connectors', import.meta.url))])

const open = (connector: string, settings: JsonObject, ca?: string): Promise<ConnectorSession> =>
  catalogue.get(connector).open({
    ...{ name: connector, settings, allow: ['127.0.0.1', '127.0.0.2', 'localhost'] },
    ...(ca ? { tls: { ca: readFileSync(ca, 'utf8') } } : {}),
  })

export async function connectors(env: Env, report: Report): Promise<void> {
  await report.part('Connectors: WebDAV', () => documents(env, report))
  await report.part('Connectors: LDAP', () => directory(env, report))
  await report.part('Connectors: Tryton', () => erp(env, report))
  await report.part('Connectors: databases over TLS', () => databases(env, report))
}

async function documents(env: Env, report: Report): Promise<void> {
  const settings = { user: env.DAV_USER!, password: env.DAV_PASSWORD! }
  const session = await open('webdav', { ...settings, url: env.DAV_TLS_URL! }, env.DAV_CA_FILE)
  const { records, pages } = await readAll(session, 'documents')
  report.equal('every document is met once', new Set(records.map(({ id }) => id)).size, seededDocuments)
  report.equal(
    'nothing is rejected',
    pages.flatMap(({ rejected }) => rejected),
    [],
  )
  const odd = records.filter(({ body }) => body.folder === 'odd names').map(({ body }) => body.name)
  report.equal('odd names are exact', odd.sort(), [...oddNames].sort())
  const big = records.find(({ id }) => id === 'big.bin')!
  const { stream, size } = await session.content({ stream: 'documents', reference: big.content!, signal: never })
  const hash = createHash('sha256')
  for await (const chunk of stream) hash.update(chunk)
  const file = path.join(path.dirname(env.DAV_ACCESS_LOG!), 'documents/shared/big.bin')
  const onDisk = createHash('sha256').update(readFileSync(file)).digest('hex')
  report.equal('a large file arrives byte for byte', [size, hash.digest('hex')], [bigFileBytes, onDisk])
  const archive = await open('webdav', { ...settings, url: env.DAV_ARCHIVE_URL! })
  const refused = await archive.write({
    ...{ stream: 'documents', operation: 'create', signal: never },
    items: [{ ref: 'a', values: { path: 'x.txt', text: 'x' }, idempotencyKey: 'a' }],
  })
  report.equal(
    'what may not be written says so',
    refused[0]?.status !== 'written' && refused[0]?.error.code,
    'CSW-3004',
  )
  const stranger = await open('webdav', { ...settings, password: 'wrong', url: env.DAV_URL! })
  const error = await readAll(stranger, 'documents').catch((thrown) => thrown)
  report.equal('a wrong password says so', error.code, 'CSW-3003')
  await Promise.all([session.close(), archive.close(), stranger.close()])
}

async function directory(env: Env, report: Report): Promise<void> {
  const settings = { user: env.LDAP_USER!, password: env.LDAP_PASSWORD!, base: env.LDAP_BASE! }
  for (const [how, more] of [
    ['LDAPS', { url: env.LDAPS_URL! }],
    ['StartTLS', { url: env.LDAP_URL!, start_tls: true }],
  ] as const) {
    const session = await open('ldap', { ...settings, ...more }, env.LDAP_CA_FILE)
    const { records } = await readAll(session, 'people')
    report.equal(`${how}: everybody, past the server's size limit`, records.length, peopleCount + formerCount)
  }
  const untrusted = await open('ldap', { ...settings, url: env.LDAPS_URL! })
  const error = await readAll(untrusted, 'people').catch((thrown) => thrown)
  report.equal('a certificate of an unknown authority is refused', error.code, 'CSW-3018')
  const mirror = { ...settings, base: env.LDAP_MIRROR_BASE! }
  await groups(await open('ldap', { ...mirror, url: env.LDAPS_URL! }, env.LDAP_CA_FILE), env.LDAP_MIRROR_BASE!, report)
  const rights = await (await open('ldap', { ...settings, url: env.LDAPS_URL! }, env.LDAP_CA_FILE)).write({
    ...{ stream: 'groups', operation: 'create', signal: never },
    items: [{ ref: 'a', values: { cn: 'x', member: [env.LDAP_USER!] }, idempotencyKey: 'a' }],
  })
  report.equal('what may not be written says so', rights[0]?.status !== 'written' && rights[0]?.error.code, 'CSW-3004')
}

/** Names that need escapes, members that come and go, and what a directory refuses; nothing is left behind. */
async function groups(session: ConnectorSession, base: string, report: Report): Promise<void> {
  const write = async (operation: 'create' | 'update' | 'delete', stream: string, values: JsonObject, id?: string) => {
    const item = { ref: 'a', values, idempotencyKey: 'a', ...(id === undefined ? {} : { id }) }
    const [outcome] = await session.write({ stream, operation, items: [item], signal: never })
    return outcome!
  }
  const idOf = (outcome: Awaited<ReturnType<typeof write>>): string => {
    if (outcome.status !== 'written') throw outcome.error
    return outcome.id
  }
  const person = (uid: string) => write('create', 'people', { uid, cn: [uid], sn: uid, employeeNumber: uid })
  const [ann, bob] = [idOf(await person('ann')), idOf(await person('bob'))]
  const member = (uid: string) => `uid=${uid},ou=people,${base}`
  const name = 'Lager, "Süd" \\ <Nord>; #1 = +'
  const group = idOf(await write('create', 'groups', { cn: name, member: [member('ann')] }))
  const read = async (stream: string, id: string) =>
    (await session.fetch({ stream, ids: [id], signal: never }))[0]?.body ?? null
  report.equal('a name with every character that needs an escape', (await read('groups', group))?.cn, name)
  idOf(await write('update', 'groups', { member: [member('BOB')], description: 'neu' }, group))
  report.equal('members by difference', (await read('groups', group))?.member, [member('BOB')])
  report.equal('the person is in it', (await read('people', bob))?.memberOf, [(await read('groups', group))?.dn])
  idOf(await write('update', 'people', { uid: 'robert', parent: `ou=former,${base}`, sn: 'Ross' }, bob))
  const moved = await read('people', bob)
  report.equal(
    'renamed, moved and changed under the same id',
    [moved?.dn, moved?.sn],
    [`uid=robert,ou=former,${base}`, 'Ross'],
  )
  report.equal('and the group follows', (await read('groups', group))?.member, [`uid=robert,ou=former,${base}`])
  idOf(await write('update', 'groups', { cn: 'LAGER', description: null }, group))
  const renamed = await read('groups', group)
  report.equal('a group renamed, a value removed', [renamed?.cn, renamed?.description], ['LAGER', null])
  const code = (outcome: Awaited<ReturnType<typeof write>>) =>
    outcome.status === 'written' ? 'written' : `${outcome.status} ${outcome.error.data?.result ?? outcome.error.code}`
  report.equal('a name that is taken', code(await person('ann')), 'refused 68')
  report.equal('a group without members', code(await write('update', 'groups', { member: [] }, group)), 'refused 65')
  report.equal('no name', code(await write('update', 'groups', { member: ['nobody'] }, group)), 'refused 21')
  report.equal(
    'a parent that is not there',
    code(await write('update', 'people', { parent: `ou=x,${base}` }, ann)),
    'refused 32',
  )
  for (const [stream, id] of [
    ['groups', group],
    ['people', ann],
    ['people', bob],
  ] as const)
    idOf(await write('delete', stream, {}, id))
  report.equal('gone', code(await write('delete', 'people', {}, ann)), 'missing CSW-3009')
}

async function erp(env: Env, report: Report): Promise<void> {
  const session = await open('tryton', {
    ...{ url: env.TRYTON_URL!, database: env.TRYTON_DATABASE!, company: 1 },
    ...{ user: env.TRYTON_USER!, password: env.TRYTON_PASSWORD! },
  })
  const { records } = await readAll(session, 'parties')
  // The company itself is a party too.
  report.equal('all parties', records.length, customerCount + supplierCount + 1)
  const products = (await readAll(session, 'products')).records
  report.equal('all products', products.length, productCount)
  const prices = products.map(({ body }) => JSON.stringify(body.list_price))
  report.equal(
    'prices are numbers in their own spelling',
    prices.every((price) => /^\d+\.\d\d?$/.test(price)),
    true,
  )
  const changed = await readAll(session, 'products', 'incremental', (await readAll(session, 'products')).cursor)
  report.equal('incremental reads overlap by a minute, not more', changed.records.length <= productCount, true)
  await session.close()
}

/** Verified as `sslmode=verify-full` does: the authority must be known, and the certificate must name the host. */
async function databases(env: Env, report: Report): Promise<void> {
  const mariadb = {
    ...{ dialect: 'mysql', port: Number(env.MARIADB_PORT), database: env.MARIADB_DATABASE!, table: 'customers' },
    ...{ user: env.MARIADB_TLS_USER!, password: env.MARIADB_PASSWORD! },
  }
  const postgres = {
    ...{ port: Number(env.POSTGRES_PORT), database: env.POSTGRES_DATABASE!, schema: 'stock', table: 'products' },
    ...{ user: env.POSTGRES_TLS_USER!, password: env.POSTGRES_PASSWORD! },
  }
  for (const [name, settings, ca, count] of [
    ['MariaDB', mariadb, env.MARIADB_CA_FILE!, shopCount],
    ['PostgreSQL', postgres, env.POSTGRES_CA_FILE!, stockCount],
  ] as const) {
    const read = async (more: JsonObject, trusted?: string): Promise<number | string> => {
      const session = await open('sql', { host: '127.0.0.1', ...settings, ...more }, trusted)
      try {
        return (await readAll(session, 'rows')).records.length
      } catch (error) {
        return (error as { code: string }).code
      } finally {
        await session.close()
      }
    }
    report.equal(`${name}: every row, over TLS`, await read({}, ca), count)
    report.equal(`${name}: an unknown authority is refused`, await read({}), 'CSW-3018')
    report.equal(
      `${name}: a certificate for another host is refused`,
      await read({ host: '127.0.0.2' }, ca),
      'CSW-3018',
    )
    report.equal(`${name}: a user who must come over TLS is refused without`, await read({ tls: false }), 'CSW-3003')
  }
}
