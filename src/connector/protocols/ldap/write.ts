/** Writes entries of one stream. Directories have no batch: each entry is an operation of its own. */
import { CausewayError } from '../../../core/index.ts'
import type { WriteItem, WriteOperation, WriteOutcome } from '../../contract.ts'
import { failedOutcome } from '../../parts/outcome.ts'
import { refuseIfTooLate } from '../../parts/right-to-send.ts'
import { sortableTimestamp } from '../../parts/timestamps.ts'
import { changesOf, newEntry } from './changes.ts'
import type { Directory } from './client.ts'
import type { LdapStream } from './fields.ts'
import { splitName } from './names.ts'
import { NO_SUCH_OBJECT, resultOf } from './results.ts'
import { attributeOf, type Entry } from './values.ts'

/** An entry that is renamed between our search and the write is looked for again. */
const ATTEMPTS = 3

type WriteOptions = { signal: AbortSignal; maySend?: (() => boolean) | undefined }

/** What the writer needs of its session. */
type Places = {
  /** The entry with this id, with all mapped attributes; null where there is none. */
  entry(directory: Directory, id: string, signal: AbortSignal): Promise<Entry | null>
  /** The entry of this very name. */
  named(directory: Directory, dn: string, signal: AbortSignal): Promise<Entry | null>
  /** Opens a bound connection. */
  connect(signal: AbortSignal): Promise<Directory>
  /** Below which DN new entries belong. */
  below(): string | null
  /** Object classes of new entries. */
  classes(): string[]
}

export class EntryWriter {
  private readonly stream: LdapStream
  private readonly places: Places
  private directory: Directory | null = null

  constructor(stream: LdapStream, places: Places) {
    this.stream = stream
    this.places = places
  }

  /** Outcomes in the order of the items; nothing is thrown for an entry that fails. */
  async write(operation: WriteOperation, items: WriteItem[], options: WriteOptions): Promise<WriteOutcome[]> {
    const outcomes: WriteOutcome[] = []
    try {
      for (const item of items) outcomes.push(await this.one(operation, item, options))
      return outcomes
    } finally {
      this.directory?.close()
    }
  }

  private async one(operation: WriteOperation, item: WriteItem, options: WriteOptions): Promise<WriteOutcome> {
    try {
      return operation === 'create' ? await this.create(item, options) : await this.change(operation, item, options)
    } catch (error) {
      if (!(error instanceof CausewayError)) throw error
      return failedOutcome(item.ref, error)
    }
  }

  private async create(item: WriteItem, options: WriteOptions): Promise<WriteOutcome> {
    const { dn, attributes } = newEntry(item.values, this.stream, {
      below: this.places.below(),
      classes: this.places.classes(),
    })
    const directory = await this.open(options.signal)
    refuseIfTooLate(options.maySend)
    await directory.add(dn, attributes, options.signal)
    return { ref: item.ref, status: 'written', id: this.idOf(await this.made(directory, dn, options.signal)) }
  }

  /** The directory gives a new entry its id. Whatever hinders us to see it, the entry is there. */
  private async made(directory: Directory, dn: string, signal: AbortSignal): Promise<Entry> {
    const entry = await this.places.named(directory, dn, signal).catch((error) => {
      if (error instanceof CausewayError) return null
      throw error
    })
    if (entry) return entry
    throw new CausewayError('CSW-3012', { what: 'The directory took a new entry, but does not show it.' })
  }

  /**
   * Writes address entries by name, so the name is asked for right before. (An assertion of the id, RFC 4528, would close the gap that
   * is left, but OpenLDAP holds it against what its overlays write too: members of a group would not learn of it.)
   */
  private async change(operation: WriteOperation, item: WriteItem, options: WriteOptions): Promise<WriteOutcome> {
    let entry = await this.find(item, options)
    for (let attempt = 1; entry; attempt++) {
      try {
        await this.changeOne(operation, entry, item, options)
        return { ref: item.ref, status: 'written', id: item.id! }
      } catch (error) {
        if (resultOf(error) !== NO_SUCH_OBJECT || attempt === ATTEMPTS) throw error
        const now = await this.find(item, options)
        // It is where it was: what is missing is the place it was to go to.
        if (now?.dn === entry.dn) throw error
        entry = now
      }
    }
    const error = new CausewayError('CSW-3009', { what: 'The entry does not exist there any more.' })
    return { ref: item.ref, status: 'missing', error }
  }

  private async changeOne(
    operation: WriteOperation,
    entry: Entry,
    item: WriteItem,
    options: WriteOptions,
  ): Promise<void> {
    this.compareVersion(entry, item)
    const directory = await this.open(options.signal)
    if (operation === 'delete') {
      refuseIfTooLate(options.maySend)
      return directory.remove(entry.dn, options.signal)
    }
    const { rename, modifications } = changesOf(item.values, entry, this.stream)
    let { dn } = entry
    if (rename) {
      refuseIfTooLate(options.maySend)
      await directory.rename(dn, rename.first, rename.parent, options.signal)
      dn = `${rename.first},${rename.parent ?? splitName(dn).parent}`
    }
    if (modifications.length === 0) return
    refuseIfTooLate(options.maySend)
    await directory.modify(dn, modifications, options.signal)
  }

  private compareVersion(entry: Entry, item: WriteItem): void {
    if (item.ifVersion === undefined) return
    const changed = attributeOf(entry, this.stream.changed_attribute, { values: 'one', type: 'time' })
    if (sortableTimestamp(changed) !== item.ifVersion)
      throw new CausewayError('CSW-3013', { what: 'The entry changed in the directory since it was read.' })
  }

  private async find(item: WriteItem, { signal }: WriteOptions): Promise<Entry | null> {
    return item.id === undefined ? null : this.places.entry(await this.open(signal), item.id, signal)
  }

  private idOf(entry: Entry): string {
    const { id_attribute: name, attributes } = this.stream
    return String(attributeOf(entry, name, { values: 'one', type: attributes[name]?.type ?? 'text' }))
  }

  /** One connection for all, and another where it broke: what was not answered is told of the item it was for. */
  private async open(signal: AbortSignal): Promise<Directory> {
    if (this.directory && !this.directory.lost) return this.directory
    this.directory?.close()
    this.directory = await this.places.connect(signal)
    return this.directory
  }
}
