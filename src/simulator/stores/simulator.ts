/** An installation of a system whose records lie in a store, as its description says. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Description, StoreSpec } from '../description.ts'
import type { FaultKind } from '../faults.ts'
import { Installation } from '../installation.ts'
import type { Item } from '../paths.ts'
import { bucketStore } from './bucket-store.ts'
import { directoryStore } from './directory/store.ts'
import { fileStore } from './file-store.ts'
import { rowStore } from './row-store.ts'
import type { Services, Store, StoreContext } from './store.ts'
import { StoredTable } from './stored-table.ts'

const OPEN: Record<StoreSpec['kind'], (context: StoreContext) => Promise<Store>> = {
  bucket: bucketStore,
  directory: directoryStore,
  file: fileStore,
  rows: rowStore,
}

export class StoreSimulator extends Installation {
  private readonly services: Services
  private store: Store | null = null
  private folder = ''

  constructor(description: Description, services: Services = {}) {
    super(description)
    this.services = services
  }

  protected async open(): Promise<void> {
    this.folder = await mkdtemp(join(tmpdir(), 'causeway-system-'))
    const { description, secrets, folder, services } = this
    const store = await OPEN[description.store!.kind]({
      ...{ description, secrets, folder, services, tables: this.world.tables },
      take: (seen) => this.faults.take({ ...seen, route: '' }),
      note: (served) =>
        this.served.push({ query: {}, headers: {}, body: undefined, route: null, status: 0, alien: null, ...served }),
    })
    this.store = store
    for (const table of this.stored) table.onChange = (entry) => store.changed(table, entry)
    await this.refresh()
  }

  async stop(): Promise<void> {
    await this.store?.close()
    await rm(this.folder, { recursive: true, force: true })
  }

  override async refresh(): Promise<void> {
    for (const table of this.stored) table.take(await this.store!.found(table), Date.now())
  }

  override knows(trouble: FaultKind): boolean {
    return this.store!.troubles.has(trouble)
  }

  protected get place(): Item {
    return { place: this.store?.place ?? {} }
  }

  protected override tableOf(name: string): StoredTable {
    return new StoredTable(name, this.description.collections[name]!, this.expressions)
  }

  private get stored(): StoredTable[] {
    return [...this.world.tables.values()] as StoredTable[]
  }
}
