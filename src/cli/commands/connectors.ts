import type { Command } from 'commander'
import { nearestName } from '../../core/index.ts'
import type { ConnectorDescription } from '../../http/index.ts'
import { type Api, withApi } from '../api.ts'
import { loadAssembly } from '../assembly.ts'
import { sayReports, saySpec } from '../conformance-report.ts'
import type { MakeContext } from '../context.ts'
import { EXIT } from '../exit-codes.ts'
import { paint } from '../output.ts'
import { type Probe, probe, stepLines } from '../probe.ts'
import { usageError } from '../report-error.ts'
import { fields, table } from '../table.ts'

export function define(command: Command, makeContext: MakeContext): void {
  // The catalogue is files: no hub is opened for it, so it works anywhere and at once.
  command
    .command('list')
    .description('the catalogue of connectors')
    .action(async () => {
      const context = makeContext()
      const catalogue = await (await loadAssembly()).readCatalogue(context.dir)
      const items = catalogue.map(({ settings: _settings, streams, ...rest }) => ({
        ...rest,
        streams: streams.map(({ name }) => name),
      }))
      context.output.result('connectors.list', JSON.stringify({ items }), () =>
        table(
          ['connector', 'title', 'protocol', 'streams'],
          items.map((item) => [item.name, item.title, item.protocol, item.streams.join(', ')]),
          'No connectors.',
        ),
      )
    })

  command
    .command('show')
    .description('settings, streams and abilities of a connector')
    .argument('<name>', 'name of the connector')
    .action(async (name: string) => {
      const context = makeContext()
      const { found, names } = await (await loadAssembly()).readConnector(context.dir, name)
      if (!found) throw noConnector(name, names)
      context.output.result('connectors.show', JSON.stringify(found), () => describe(found))
    })

  command
    .command('test')
    .description(
      'the contract of connectors, against simulators of their systems; with --live, connections as they are',
    )
    .argument('[names...]', 'connectors (with --live: or connections); without them all')
    .option(
      '--spec <file...>',
      "the vendor's description of the API: OpenAPI 3, Swagger 2, $metadata of OData, a WSDL, or a GraphQL schema",
    )
    .option('--live', 'ask the systems themselves: address, TLS, credentials, a first page; writes nothing')
    .action(async (names: string[], { live, spec }: { live?: true; spec?: string[] }) => {
      const context = makeContext(live ? {} : { formats: ['human', 'json', 'ndjson', 'junit'] })
      if (spec) {
        const [name] = names
        if (name === undefined || names.length > 1)
          throw usageError('--spec takes the name of one connector.', 'Say which: `connectors test NAME --spec FILE`.')
        const report = await (await loadAssembly()).checkConnector({ dir: context.dir, name, specs: spec })
        saySpec(context.output, report)
        if (!report.ok) process.exitCode = EXIT.failed
        return
      }
      if (!live) {
        const reports = await (await loadAssembly()).testConnectors({ dir: context.dir, names })
        sayReports(context.output, reports)
        if (reports.some(({ ok }) => !ok)) process.exitCode = EXIT.failed
        return
      }
      const results = await withApi(context, async (api) => {
        const tested: Record<string, Probe> = {}
        for (const connection of await connectionsNamed(api, names)) tested[connection] = await probe(api, connection)
        return tested
      })
      const ok = Object.values(results).every((result) => result.ok)
      context.output.result('connectors.test', JSON.stringify({ ok, connections: results }), () =>
        Object.entries(results)
          .map(([name, result]) => `${paint('bold', name)}\n${stepLines(result)}`)
          .join('\n'),
      )
      if (!ok) process.exitCode = EXIT.remote
    })
}

function noConnector(name: string, names: string[]): Error {
  const near = nearestName(name, names)
  return usageError(
    `There is no connector ${JSON.stringify(name)}.`,
    near ? `Did you mean "${near}"?` : `Known: ${names.join(', ')}.`,
  )
}

async function connectionsNamed(api: Api, names: string[]): Promise<string[]> {
  const { items } = JSON.parse(await api.call('GET', '/api/v1/connections?limit=500')) as {
    items: { name: string; connector: string }[]
  }
  if (!names.length) return items.map((item) => item.name)
  return names.flatMap((name) => {
    const meant = items.filter((item) => item.name === name || item.connector === name)
    if (meant.length) return meant.map((item) => item.name)
    const near = nearestName(
      name,
      items.flatMap((item) => [item.name, item.connector]),
    )
    throw usageError(
      `Neither a connection nor the connector of one is called ${JSON.stringify(name)}.`,
      near && `Did you mean "${near}"?`,
    )
  })
}

function describe(connector: ConnectorDescription): string {
  const head = fields([
    ['connector', connector.name],
    ['title', connector.title],
    ['protocol', connector.protocol],
    ['settings', Object.keys((connector.settings.properties as object | undefined) ?? {}).join(', ')],
  ])
  const rows = connector.streams.map(({ name, title, abilities }) => [
    name,
    title,
    [
      abilities.read && (abilities.incremental ? 'read changes' : 'read'),
      ...(['create', 'update', 'upsert', 'delete', 'content', 'webhook'] as const).map((can) => abilities[can] && can),
    ]
      .filter(Boolean)
      .join(', '),
    [...(abilities.byId === false ? [] : ['id']), ...abilities.lookup].join(', '),
  ])
  return `${head}\n\n${table(['stream', 'title', 'can', 'found by'], rows, 'No streams.')}`
}
