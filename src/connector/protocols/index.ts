/** The protocols the hub speaks. A new one is one folder and one line here. */

import { carddav } from './carddav/index.ts'
import type { Protocol } from './contract.ts'
import { files } from './files/index.ts'
import { graphql } from './graphql/index.ts'
import { jsonrpc } from './jsonrpc/index.ts'
import { ldap } from './ldap/index.ts'
import { odata } from './odata/index.ts'
import { rest } from './rest/index.ts'
import { s3 } from './s3/index.ts'
import { soap } from './soap/index.ts'
import { sql } from './sql/index.ts'
import { webdav } from './webdav/index.ts'
import { xmlrpc } from './xmlrpc/index.ts'

/** Each protocol knows the types of its own fields; in a list they are all the same. */
const every = [
  rest,
  odata,
  jsonrpc,
  xmlrpc,
  soap,
  graphql,
  webdav,
  carddav,
  ldap,
  files,
  sql,
  s3,
] as unknown as Protocol[]

export const protocols: Readonly<Record<string, Protocol>> = Object.fromEntries(
  every.map((protocol) => [protocol.name, protocol]),
)
