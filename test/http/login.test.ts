/** People, sessions and tokens over real sockets and a real ledger. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createAccess } from '../../src/access/index.ts'
import { verifyAudit } from '../../src/store/index.ts'
import { expectDocumented } from './contract.ts'
import { startHub, type TestHub } from './hub.ts'

const PASSWORD = 'canary-passw0rd-Ωmega'
const LOGGED: string[] = []

let hub: TestHub
beforeAll(async () => {
  const { pino } = await import('pino')
  const logger = pino({ level: 'trace' }, { write: (line: string) => void LOGGED.push(line) })
  hub = await startHub({ logger })
  const made = await hub.post('/api/v1/users', { name: 'ada', role: 'operator', password: PASSWORD })
  expect(await expectDocumented(hub, 'addUser', made)).toMatchObject({ name: 'ada', role: 'operator' })
  await hub.post('/api/v1/users', { name: 'eve', role: 'viewer', password: PASSWORD })
})
afterAll(() => hub.close())

const calm = () => hub.pool.query('delete from login_failure')
const login = (name: string, password: string, headers: Record<string, string> = {}) =>
  fetch(`${hub.url}/api/v1/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ name, password }),
  })

/** A browser that has logged in. */
async function browser(name: string) {
  const answer = await login(name, PASSWORD, { origin: hub.url })
  const me = (await expectDocumented(hub, 'login', answer)) as { csrf: string }
  const cookie = answer.headers.getSetCookie()[0]!
  const [pair] = cookie.split(';')
  const send = (method: string, path: string, headers: Record<string, string> = {}) =>
    fetch(hub.url + path, {
      method,
      headers: { cookie: pair!, ...(method === 'POST' ? { 'content-type': 'application/json' } : {}), ...headers },
      body: method === 'POST' ? '{}' : null,
    })
  return { me, cookie, pair: pair!, send, own: { origin: hub.url, 'x-causeway-csrf': me.csrf } }
}

test('a person logs in, works within the role, and logs out', async () => {
  const { me, cookie, send, own } = await browser('ada')
  expect(me).toMatchObject({ name: 'ada', kind: 'user', role: 'operator' })
  expect(cookie).toMatch(/; HttpOnly/)
  expect(cookie).toMatch(/; SameSite=Strict/)
  expect(await (await send('GET', '/api/v1/me')).json()).toMatchObject({ name: 'ada', csrf: me.csrf })
  expect((await send('GET', '/api/v1/runs')).status).toBe(200)
  expect((await send('POST', '/api/v1/syncs/nosuch/pause', own)).status).toBe(404)
  const refused = await send('POST', '/api/v1/erasures', own)
  expect(await expectDocumented(hub, 'erase', refused)).toMatchObject({ status: 403, code: 'CSW-8011' })
  const gone = await send('POST', '/api/v1/logout', own)
  expect(await expectDocumented(hub, 'logout', gone)).toEqual({ loggedOut: true })
  expect(gone.headers.getSetCookie()[0]).toMatch(/=;.*Expires=Thu, 01 Jan 1970/)
  expect((await send('GET', '/api/v1/me')).status).toBe(401)
})

test('behind TLS the cookie is for this host and TLS only', async () => {
  const secure = await startHub({ publicUrl: 'https://hub.example.org/causeway' })
  try {
    await secure.post('/api/v1/users', { name: 'ada', role: 'viewer', password: PASSWORD })
    const answer = await fetch(`${secure.url}/api/v1/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: 'https://hub.example.org' },
      body: JSON.stringify({ name: 'ada', password: PASSWORD }),
    })
    const [cookie] = answer.headers.getSetCookie()
    expect(cookie).toMatch(/^__Host-causeway-session=/)
    expect(cookie).toMatch(/; Secure/)
    expect(cookie).toMatch(/; Path=\/(;|$)/)
    expect(cookie).not.toMatch(/Domain/i)
    const pair = cookie!.split(';')[0]!
    const as = (sent: string) =>
      fetch(`${secure.url}/api/v1/me`, { headers: { cookie: sent } }).then(({ status }) => status)
    expect(await as(pair)).toBe(200)
    // Another host of the domain can plant a cookie without the prefix.
    expect(await as(pair.replace('__Host-', ''))).toBe(401)
  } finally {
    await secure.close()
  }
})

test('a change by cookie needs our origin and the token of the session', async () => {
  const ada = await browser('ada')
  const eve = await browser('eve')
  const pause = (headers: Record<string, string>) => ada.send('POST', '/api/v1/syncs/nosuch/pause', headers)
  for (const headers of [
    {},
    { origin: hub.url },
    { origin: 'https://evil.example', 'x-causeway-csrf': ada.me.csrf },
    { origin: 'null', 'x-causeway-csrf': ada.me.csrf },
    { origin: hub.url, 'x-causeway-csrf': '' },
    { origin: hub.url, 'x-causeway-csrf': eve.me.csrf },
  ] as Record<string, string>[]) {
    const answer = await pause(headers)
    expect(await answer.json(), JSON.stringify(headers)).toMatchObject({ status: 403, code: 'CSW-8012' })
  }
  expect((await pause(ada.own)).status).toBe(404)
  await calm()
  expect((await login('ada', PASSWORD, { origin: 'https://evil.example' })).status).toBe(403)
  // A token is no cookie: no browser sends it for somebody else.
  expect((await hub.post('/api/v1/syncs/nosuch/pause', {})).status).toBe(404)
})

test('wrong password, unknown, disabled and damaged names get the same answer', async () => {
  await calm()
  await hub.post('/api/v1/users', { name: 'bob', role: 'viewer', password: PASSWORD })
  expect((await hub.post('/api/v1/users/bob/disable', {})).status).toBe(200)
  const answers = await Promise.all(
    [
      login('ada', `${PASSWORD}!`),
      login('nobody', PASSWORD),
      login('bob', PASSWORD),
      login("' or 1=1 --", PASSWORD),
    ].map(async (asked) => {
      const answer = await asked
      const { requestId: _id, ...problem } = (await answer.json()) as Record<string, unknown>
      return { status: answer.status, problem, cookies: answer.headers.getSetCookie() }
    }),
  )
  for (const answer of answers) expect(answer).toEqual(answers[0])
  expect(answers[0]).toMatchObject({ status: 401, problem: { code: 'CSW-8013' }, cookies: [] })
  await hub.post('/api/v1/users/bob/enable', {})
  expect((await login('bob', PASSWORD)).status).toBe(200)
})

test('guesses are held back per user and per address, also many at once, and forgiven when right', async () => {
  const tight = createAccess(hub.pool, { limits: { failuresPerMinute: 4 } }).logins
  const guess = (name: string, address: string, password = 'wrong-wrong-wrong') =>
    tight.withPassword({ name, password, address }).then(
      () => 'in',
      (error: { code: string }) => error.code,
    )
  // A minute that ends between two tries begins a new count; then the whole is done again.
  const withinOneMinute = async (work: () => Promise<void>) => {
    const minute = async () => (await hub.pool.query(`select date_trunc('minute', now()) as at`)).rows[0].at.getTime()
    for (;;) {
      await calm()
      const before = await minute()
      const failure = await work().then(
        () => null,
        (error: unknown) => error,
      )
      if ((await minute()) !== before) continue
      if (failure) throw failure
      return
    }
  }
  await withinOneMinute(async () => {
    const many = await Promise.all(Array.from({ length: 10 }, (_, n) => guess('ada', `192.0.2.${n}`)))
    expect(many.filter((code) => code === 'CSW-8013')).toHaveLength(4)
    expect(many.filter((code) => code === 'CSW-8005')).toHaveLength(6)
    expect(await guess('ada', '192.0.2.99', PASSWORD)).toBe('CSW-8005')
    expect(await guess('eve', '192.0.2.99', PASSWORD)).toBe('in')
  })
  await withinOneMinute(async () => {
    const many = await Promise.all(Array.from({ length: 10 }, (_, n) => guess(`user${n}`, '192.0.2.200')))
    expect(many.filter((code) => code === 'CSW-8005')).toHaveLength(6)
  })
  await withinOneMinute(async () => {
    const many = await Promise.all(Array.from({ length: 10 }, (_, n) => guess(`user${n}`, `2001:db8::${n}`)))
    expect(many.filter((code) => code === 'CSW-8005')).toHaveLength(6)
  })
  await withinOneMinute(async () => {
    for (let n = 0; n < 6; n++) expect(await guess('ada', '192.0.2.7', PASSWORD)).toBe('in')
  })
})

test('a session ends by idleness, by age, and when its person changes', async () => {
  await calm()
  const shift = async (column: string, by: string) => {
    const { send } = await browser('ada')
    const { rows } = await hub.pool.query('select hash from user_session order by created_at desc limit 1')
    await hub.pool.query(`update user_session set ${column} = ${column} - $1::interval where hash = $2`, [
      by,
      rows[0].hash,
    ])
    return (await send('GET', '/api/v1/me')).status
  }
  expect(await shift('seen_at', '59 minutes')).toBe(200)
  expect(await shift('seen_at', '61 minutes')).toBe(401)
  expect(await shift('expires_at', '13 hours')).toBe(401)
  for (const [path, body] of [
    ['role', { role: 'viewer' }],
    ['password', { password: PASSWORD }],
    ['disable', {}],
  ] as const) {
    await calm()
    const { send } = await browser('ada')
    const changed = await hub.post(`/api/v1/users/ada/${path}`, body)
    await expectDocumented(
      hub,
      path === 'role' ? 'setUserRole' : path === 'password' ? 'setUserPassword' : 'disableUser',
      changed,
    )
    expect((await send('GET', '/api/v1/me')).status, path).toBe(401)
  }
  await hub.post('/api/v1/users/ada/enable', {})
  await hub.post('/api/v1/users/ada/role', { role: 'operator' })
})

test('a login that was under way when its person changed opens nothing', async () => {
  const { logins } = createAccess(hub.pool)
  const read = async () =>
    (await hub.pool.query(`select id, name, role, password from hub_user where name = 'eve'`)).rows[0]
  const before = await read()
  const sessions = async () =>
    (await hub.pool.query('select count(*)::int as n from user_session where user_id = $1', [before.id])).rows[0].n
  expect((await hub.post('/api/v1/users/eve/password', { password: `${PASSWORD}2` })).status).toBe(200)
  await expect(logins.open(before, {})).rejects.toMatchObject({ code: 'CSW-8013' })
  const now = await read()
  expect((await hub.post('/api/v1/users/eve/disable', { reason: 'left the company' })).status).toBe(200)
  await expect(logins.open(now, {})).rejects.toMatchObject({ code: 'CSW-8013' })
  expect(await sessions()).toBe(0)
  expect((await hub.post('/api/v1/users/eve/enable', {})).status).toBe(200)
  await logins.open(now, {})
  expect(await sessions()).toBe(1)
  const { items } = (await (await hub.get('/api/v1/audit?subject=user:eve')).json()) as { items: { action: string }[] }
  expect(items.find(({ action }) => action === 'user.disable')).toMatchObject({
    detail: { reason: 'left the company' },
  })
  expect(items.map(({ action }) => action)).toContain('user.enable')
})

test('a token that says nothing of its end has one; only one that asks for none has none', async () => {
  const endOf = async (wish: object): Promise<number | null> => {
    const answer = await hub.post('/api/v1/tokens', { name: crypto.randomUUID(), role: 'viewer', ...wish })
    const { expiresAt } = (await expectDocumented(hub, 'createToken', answer)) as { expiresAt: string | null }
    return expiresAt === null ? null : Math.round((Date.parse(expiresAt) - Date.now()) / 86_400_000)
  }
  expect(await endOf({})).toBe(90)
  expect(await endOf({ expiresAt: null })).toBeNull()
  expect(await endOf({ expiresAt: new Date(Date.now() + 3 * 86_400_000).toISOString() })).toBe(3)
  for (const wrong of ['2020-01-01T00:00:00Z', 'tomorrow', '', 7]) {
    const answer = await hub.post('/api/v1/tokens', { name: 'wrong', role: 'viewer', expiresAt: wrong })
    expect([wrong, answer.status]).toEqual([wrong, 400])
  }
})

test('a token works until it ends or is revoked, and is never seen again', async () => {
  const made = (await expectDocumented(
    hub,
    'createToken',
    await hub.post('/api/v1/tokens', { name: 'ci', role: 'operator', scopes: ['hub:read'] }),
  )) as { id: number; secret: string; prefix: string }
  expect(made.secret).toMatch(/^csw_[\w-]{43}$/)
  const use = (path = '/api/v1/runs') =>
    fetch(hub.url + path, { headers: { authorization: `Bearer ${made.secret}` } }).then(({ status }) => status)
  expect(await use()).toBe(200)
  expect(await use('/api/v1/dead-letters')).toBe(403)
  const list = await hub.get('/api/v1/tokens')
  const text = JSON.stringify(await expectDocumented(hub, 'listTokens', list))
  expect(text).toContain(made.prefix)
  expect(text).not.toContain(made.secret)
  const used = async () => (await hub.pool.query('select last_used_at from api_token where id = $1', [made.id])).rows[0]
  const first = await used()
  expect(first.last_used_at).not.toBeNull()
  await use()
  expect(await used()).toEqual(first)
  expect((await hub.post('/api/v1/tokens', { name: 'ci', role: 'viewer' })).status).toBe(409)
  await hub.pool.query(`update api_token set expires_at = now() - interval '1 second' where id = $1`, [made.id])
  expect(await use()).toBe(401)
  await hub.pool.query('update api_token set expires_at = null where id = $1', [made.id])
  expect(await use()).toBe(200)
  await expectDocumented(hub, 'revokeToken', await hub.post(`/api/v1/tokens/${made.id}/revoke`, {}))
  expect(await use()).toBe(401)
  expect((await hub.post(`/api/v1/tokens/${made.id}/revoke`, {})).status).toBe(404)
  expect((await hub.post('/api/v1/tokens', { name: 'ci', role: 'viewer' })).status).toBe(200)
})

test('nobody gives what they have not', async () => {
  const { secret } = (await (
    await hub.post('/api/v1/tokens', { name: 'clerk', role: 'admin', scopes: ['access:manage', 'hub:read'] })
  ).json()) as { secret: string }
  const as = (path: string, body: object) =>
    fetch(hub.url + path, {
      method: 'POST',
      headers: { authorization: `Bearer ${secret}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }).then(({ status }) => status)
  expect(await as('/api/v1/tokens', { name: 'more', role: 'admin' })).toBe(403)
  expect(await as('/api/v1/tokens', { name: 'more', role: 'editor', scopes: ['records:write'] })).toBe(403)
  expect(await as('/api/v1/users', { name: 'mallory', role: 'viewer', password: PASSWORD })).toBe(403)
  expect(await as('/api/v1/users/ada/password', { password: PASSWORD })).toBe(403)
  expect(await as('/api/v1/tokens', { name: 'less', role: 'viewer', scopes: ['hub:read'] })).toBe(200)
})

test('the audit names who did what, and no secret stands in it, in the log or in the ledger', async () => {
  await calm()
  const { own, send, pair, me } = await browser('ada')
  await send('POST', '/api/v1/logout', own)
  await login('ada', `${PASSWORD}-wrong`)
  const { items } = (await expectDocumented(hub, 'listAudit', await hub.get('/api/v1/audit?limit=500'))) as {
    items: { actor: string; action: string; subject: string; detail: object }[]
  }
  const said = items.map(({ actor, action, subject }) => `${actor} ${action} ${subject}`)
  for (const deed of [
    'admin user.add user:ada',
    'admin user.set_role user:ada',
    'admin user.set_password user:ada',
    'admin user.disable user:bob',
    'admin token.create token:ci',
    'admin token.revoke token:ci',
    'token:clerk token.create token:less',
    'user:ada login user:ada',
    'user:ada login.fail user:ada',
    'user:ada logout user:ada',
  ])
    expect(said).toContain(deed)
  expect(items.find(({ action }) => action === 'user.set_role')?.detail).toMatchObject({
    before: { role: 'viewer' },
    after: { role: 'operator' },
  })
  expect(await verifyAudit(hub.pool)).toMatchObject({ ok: true })
  const verdict = await hub.get(`/api/v1/audit/verification?head=${'0'.repeat(64)}`)
  expect(await expectDocumented(hub, 'verifyAudit', verdict)).toMatchObject({ ok: false })

  const { rows: tables } = await hub.pool.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname not in ('pg_catalog', 'information_schema')`,
  )
  const dump = await Promise.all(
    tables.map(async ({ name }) =>
      (await hub.pool.query(`select t::text as row from ${name} t`)).rows.map(({ row }) => row),
    ),
  )
  const everything = [...LOGGED, JSON.stringify(dump)].join('\n')
  for (const secret of [PASSWORD, pair.split('=')[1]!, me.csrf]) expect(everything).not.toContain(secret)
  expect(everything).not.toMatch(/csw_[\w-]{43}/)
  // As bytes too: a secret kept in a column of bytes would be shown in hexadecimal.
  expect(everything).not.toContain(Buffer.from(PASSWORD).toString('hex'))
})
