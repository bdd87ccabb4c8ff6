/** Rows of MariaDB → PostgreSQL in the clear, and of PostgreSQL → MariaDB over TLS. */
import { shopCount } from '../boot/mariadb.ts'
import { stockCount } from '../boot/postgresql.ts'
import { run } from '../boot/process.ts'
import type { Env, Pair } from './pair.ts'

export const rowPairs: Pair[] = [
  {
    ...{ title: 'MariaDB rows → PostgreSQL', sync: 'shop-to-stock', count: shopCount, changed: 4 },
    source: async (env) =>
      inShop(
        env,
        `select concat_ws('|', number, name, coalesce(credit, '-'), coalesce(born, '-'), coalesce(lower(hex(photo)), '-'),
                coalesce(json_value(extra, '$.n'), '-')) from customers order by number`,
      ),
    target: async (env) =>
      inStock(
        env,
        `select concat_ws('|', number, name, coalesce(credit::text, '-'), coalesce(born::text, '-'),
                coalesce(encode(photo, 'hex'), '-'), coalesce(extra->>'n', '-')) from stock.customers order by number collate "C"`,
      ),
    change: async (env) => {
      await inShop(
        env,
        `update customers set name = 'Zoë „Neu“', credit = 0.1000 where number in ('K00005', 'K00006');
         update customers set extra = null, photo = null where number = 'K00007';
         insert into customers (number, name, credit) values ('K90001', 'New', 99999999999999.9999);`,
      )
    },
    remove: async (env) => {
      await inShop(env, `delete from customers where number in ('K00020', 'K00021', 'K00022')`)
    },
  },
  {
    ...{ title: 'PostgreSQL rows → MariaDB', sync: 'products-to-shop', count: stockCount, changed: 4 },
    source: async (env) =>
      inStock(
        env,
        `select concat_ws('|', sku, name, coalesce(price::text, '-'), coalesce(weight::text, '-'), active::int,
                coalesce(to_char(sold_at at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US'), '-'),
                coalesce(encode(picture, 'hex'), '-'), coalesce(extra->>'n', '-'), coalesce(extra->'list'->>0, '-'))
           from stock.products order by sku collate "C"`,
      ),
    target: async (env) =>
      inShop(
        env,
        `select concat_ws('|', sku, name, coalesce(price, '-'), coalesce(weight, '-'), active, coalesce(sold_at, '-'),
                coalesce(lower(hex(picture)), '-'), coalesce(json_value(extra, '$.n'), '-'), coalesce(json_value(extra, '$.list[0]'), '-'))
           from products order by sku`,
      ),
    change: async (env) => {
      await inStock(
        env,
        `update stock.products set name = 'Zoë „Neu“', price = 0.1000, active = false where sku in ('P00005', 'P00006');
         update stock.products set extra = null, picture = null, sold_at = null where sku = 'P00007';
         insert into stock.products (sku, name, price, weight) values ('P90001', 'New', 9999999999999999.9999, 0.1);`,
      )
    },
    remove: async (env) => {
      await inStock(env, `delete from stock.products where sku in ('P00020', 'P00021', 'P00022')`)
    },
  },
]

/** Runs SQL as the administrator of the shop. One line a row. */
async function inShop(env: Env, sql: string): Promise<string[]> {
  const client = ['mariadb', '--no-defaults', '--default-character-set=utf8mb4', '-uroot', '-S', env.MARIADB_SOCKET!]
  return (await run([...client, '-N', '-B', 'shop'], { input: sql })).trim().split('\n')
}

/** Runs SQL as the owner of the stock. One line a row. */
async function inStock(env: Env, sql: string): Promise<string[]> {
  const text = await run([env.POSTGRES_PSQL!, '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', '-c', sql], {
    env: {
      ...{ PGHOST: '127.0.0.1', PGPORT: env.POSTGRES_PORT!, PGUSER: env.POSTGRES_USER! },
      ...{ PGPASSWORD: env.POSTGRES_PASSWORD!, PGDATABASE: env.POSTGRES_DATABASE!, PGCLIENTENCODING: 'UTF8' },
    },
  })
  return text.trim().split('\n')
}
