import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { requirePackages } from './packages.ts'
import { accepts, freePort, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'

const password = 'real-cards-only-here'
export const cardCount = 1_000

/** Starts Radicale on loopback: an address book with a thousand cards, and two empty ones. */
export async function bootRadicale(options: BootOptions): Promise<RunningSystem> {
  requirePackages('Radicale', ['radicale'], options.install)
  const folder = path.join(options.folder, 'radicale')
  mkdirSync(path.join(folder, 'data'), { recursive: true })
  const port = await freePort()
  const config = path.join(folder, 'config')
  writeFileSync(path.join(folder, 'users'), `hub:${password}\n`)
  writeFileSync(
    config,
    `[server]\nhosts = 127.0.0.1:${port}\n[auth]\ntype = htpasswd\nhtpasswd_filename = ${folder}/users\nhtpasswd_encryption = plain\n` +
      `[storage]\nfilesystem_folder = ${folder}/data\n[logging]\nlevel = warning\n`,
  )
  const server = await startServer({
    command: ['radicale', '--config', config],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: () => accepts(port),
    detached: options.detached,
  })
  const env = { CARDS_URL: `http://127.0.0.1:${port}`, CARDS_USER: 'hub', CARDS_PASSWORD: password }
  await makeBook(env, 'customers')
  await makeBook(env, 'partners')
  await makeBook(env, 'people')
  // A whole book in one request: Radicale makes a resource of each card in it.
  await cards(env, 'PUT', '/hub/people/', Array.from({ length: cardCount }, (_, n) => card(n)).join(''))
  return { name: 'radicale', pid: server.pid, stop: server.stop, env }
}

type Env = Record<string, string>

/** A request to Radicale as its own user; throws for an answer that is no success. */
export async function cards(env: Env, method: string, at: string, body = '', headers: Env = {}): Promise<string> {
  const response = await fetch(env.CARDS_URL + at, {
    method,
    headers: {
      authorization: `Basic ${Buffer.from(`${env.CARDS_USER}:${env.CARDS_PASSWORD}`).toString('base64')}`,
      'content-type': method === 'PUT' ? 'text/vcard; charset=utf-8' : 'application/xml; charset=utf-8',
      ...headers,
    },
    ...(body ? { body } : {}),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${method} ${at}: ${response.status} ${text.slice(0, 300)}`)
  return text
}

const makeBook = (env: Env, name: string) =>
  cards(
    env,
    'MKCOL',
    `/hub/${name}/`,
    `<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop><resourcetype><collection/>` +
      `<C:addressbook/></resourcetype><displayname>${name}</displayname></prop></set></mkcol>`,
  )

export const card = (n: number, name = `Łucja Größe ${n}`): string =>
  [
    ...['BEGIN:VCARD', 'VERSION:3.0', `UID:person-${n}`, `FN:${name}`, `N:Größe;Łucja ${n};;;`],
    ...[`EMAIL;TYPE=work:person${n}@example.com`, `NOTE:first line\\nsecond\\, with a comma; ${n}`, 'END:VCARD', ''],
  ].join('\r\n')
