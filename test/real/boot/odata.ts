import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { accepts, freePort, startServer } from './process.ts'
import type { BootOptions, RunningSystem } from './system.ts'

export const customerCount = 1_000

/** Starts the OData 4 server that SAP keeps for tests of its own programs (npm `@sap-ux/fe-mockserver-core`), on loopback. */
export async function bootOData(options: BootOptions): Promise<RunningSystem> {
  const folder = path.join(options.folder, 'odata')
  mkdirSync(path.join(folder, 'data'), { recursive: true })
  writeFileSync(path.join(folder, 'metadata.xml'), metadata)
  writeFileSync(path.join(folder, 'data', 'Customers.json'), JSON.stringify(customers()))
  writeFileSync(path.join(folder, 'data', 'Products.json'), '[]')
  const port = await freePort()
  const server = await startServer({
    command: [process.execPath, fileURLToPath(new URL('odata-server.ts', import.meta.url)), folder, String(port)],
    log: path.join(folder, 'server.log'),
    mark: folder,
    answers: () => accepts(port),
    detached: options.detached,
  })
  return { name: 'odata', pid: server.pid, stop: server.stop, env: { ODATA_URL: `http://127.0.0.1:${port}/odata` } }
}

const customers = () =>
  Array.from({ length: customerCount }, (_, n) => ({
    ...{ Number: `C${String(n).padStart(5, '0')}`, Name: `Café "Ö" & Søn ${n}`, Email: `c${n}@example.org` },
    ...{ Credit: `${n}.50`, ModifiedAt: new Date(Date.UTC(2026, 0, 5) + n * 1000).toISOString() },
  }))

const metadata = `<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx"><edmx:DataServices>
<Schema Namespace="shop" xmlns="http://docs.oasis-open.org/odata/ns/edm">
  <EntityContainer Name="Container">
    <EntitySet Name="Customers" EntityType="shop.Customer"/><EntitySet Name="Products" EntityType="shop.Product"/>
  </EntityContainer>
  <EntityType Name="Customer"><Key><PropertyRef Name="Number"/></Key>
    <Property Name="Number" Type="Edm.String" Nullable="false"/><Property Name="Name" Type="Edm.String"/>
    <Property Name="Email" Type="Edm.String"/><Property Name="Credit" Type="Edm.Decimal" Precision="15" Scale="2"/>
    <Property Name="ModifiedAt" Type="Edm.DateTimeOffset"/></EntityType>
  <EntityType Name="Product"><Key><PropertyRef Name="Sku"/></Key>
    <Property Name="Sku" Type="Edm.String" Nullable="false"/><Property Name="Name" Type="Edm.String"/>
    <Property Name="Price" Type="Edm.String"/></EntityType>
</Schema></edmx:DataServices></edmx:Edmx>`
