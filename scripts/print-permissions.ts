/** Prints docs/operate/permissions.md from what the routes declare; with `--check` fails when the page is out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createAccess, ROLES, SCOPES } from '../src/access/index.ts'
import { buildServer } from '../src/http/index.ts'

const FILE = join(import.meta.dirname, '../docs/operate/permissions.md')
// Routes are only added, never asked: nothing behind them is needed.
const absent = {} as never
const routes: { method: string; url: string; access: string; does: string }[] = []
const server = await buildServer(absent, {
  database: absent,
  access: createAccess(absent),
  adminToken: 'none',
  version: '0',
  onRoute: ({ method, url, config, schema }) => {
    const { summary } = (schema ?? {}) as { summary?: string }
    for (const each of [method].flat())
      if (each !== 'HEAD') routes.push({ method: each, url, access: String(config?.access), does: summary ?? '' })
  },
})
await server.close()

const page = `# Permissions

Printed from \`src/access/roles.ts\` and from what each route declares; not written by hand. How to use them: [access](access.md).

## Scopes

A role has its own scopes and those of the roles before it: ${ROLES.join(', ')}.

| scope | from role on | lets |
|---|---|---|
${Object.entries(SCOPES)
  .map(([scope, { role, allows }]) => `| \`${scope}\` | ${role} | ${allows} |`)
  .join('\n')}

## Routes

| route | needs | does |
|---|---|---|
${routes
  .sort((a, b) => (a.url === b.url ? a.method.localeCompare(b.method, 'en') : a.url < b.url ? -1 : 1))
  .map(({ method, url, access, does }) => `| \`${method} ${url}\` | ${access} | ${does} |`)
  .join('\n')}

\`signed-in\`: any token or user. \`public\`: nothing; webhooks are known by their signatures.
`

if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== page) {
    console.error('docs/operate/permissions.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, page)
