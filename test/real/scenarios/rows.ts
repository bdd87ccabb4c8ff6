/** MariaDB customers → PostgreSQL customers. */
import { shopCount } from '../boot/mariadb.ts'
import { run } from '../boot/process.ts'
import type { HubProcess } from '../hub-process.ts'
import type { Report } from '../report.ts'
import { runAll } from '../writes.ts'

type Env = Record<string, string>
const SYNC = 'shop-to-stock'

export async function rows(hub: HubProcess, env: Env, report: Report): Promise<void> {
  const step = async (title: string, expected: number, options: { full?: boolean } = {}) =>
    report.part(`MariaDB rows → PostgreSQL: ${title}`, async () => {
      const writes = await runAll(hub, [SYNC], report, options)
      report.equal('rows written', writes[SYNC], expected)
      report.equal('both tables hold the same', await target(env), await source(env))
    })
  await step('full', shopCount, { full: true })
  await step('nothing changed', 0)
  await step('nothing changed, in full', 0, { full: true })
  await inShop(
    env,
    `update customers set name = 'Zoë „Neu“', credit = 0.1000 where number in ('K00005', 'K00006');
     update customers set extra = null, photo = null where number = 'K00007';
     insert into customers (number, name, credit) values ('K90001', 'New', 99999999999999.9999);`,
  )
  await step('changes', 4)
  await inShop(env, `delete from customers where number in ('K00020', 'K00021', 'K00022')`)
  // What a scan no longer shows is looked for once more, one by one, before it counts as deleted.
  await step('deletions', 3, { full: true })
  await step('nothing changed after that', 0)
}

const inShop = (env: Env, sql: string): Promise<string> =>
  run(
    [
      'mariadb',
      '--no-defaults',
      '--default-character-set=utf8mb4',
      '-uroot',
      '-S',
      env.MARIADB_SOCKET!,
      '-N',
      '-B',
      'shop',
    ],
    { input: sql },
  )

/** One line a row, in the same spelling from both. */
async function source(env: Env): Promise<string[]> {
  const text = await inShop(
    env,
    `select concat_ws('|', number, name, coalesce(credit, '-'), coalesce(born, '-'), coalesce(lower(hex(photo)), '-'),
            coalesce(json_value(extra, '$.n'), '-')) from customers order by number`,
  )
  return text.trim().split('\n')
}

async function target(env: Env): Promise<string[]> {
  const sql = `select concat_ws('|', number, name, coalesce(credit::text, '-'), coalesce(born::text, '-'),
                      coalesce(encode(photo, 'hex'), '-'), coalesce(extra->>'n', '-')) from stock.customers order by number collate "C"`
  const text = await run([env.POSTGRES_PSQL!, '-A', '-t', '-c', sql], {
    env: {
      ...{ PGHOST: '127.0.0.1', PGPORT: env.POSTGRES_PORT!, PGUSER: env.POSTGRES_USER! },
      ...{ PGPASSWORD: env.POSTGRES_PASSWORD!, PGDATABASE: env.POSTGRES_DATABASE!, PGCLIENTENCODING: 'UTF8' },
    },
  })
  return text.trim().split('\n')
}
