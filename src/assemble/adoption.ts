/** How a hub comes to work with what its files say: at its start, after an edit, and by a plan that is applied. */
import { randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import type { Environment, SecretSources } from '../config/index.ts'
import { asCausewayError, CausewayError, digest, hasErrors, type Logger, throwOnErrors } from '../core/index.ts'
import type { AppliedConfiguration, ConfigurationRequest, RollBackRequest } from '../http/index.ts'
import {
  auditStanding,
  type Coming,
  type ConfigurationBasis,
  type ConfiguredItem,
  call,
  demandSame,
  isInForce,
  itemDigest,
  type NewVersion,
  readInForce,
  type Store,
  saveConfiguration,
  saveUnlessOvertaken,
  versionDigest,
} from '../store/index.ts'
import { configurationInForce } from './configuration.ts'
import type { HubFiles } from './hub-files.ts'
import { keptFiles } from './hub-texts.ts'
import { writeVersion } from './rolling-back.ts'

/** The kind of call by which the other processes of a hub learn that a plan was applied. */
const CALL = 'configuration'

type AdoptionParts = {
  pool: Store['pool']
  /** Without the addresses of sample systems. */
  env: Environment
  /** Where secrets are found, which are kept out of versions. */
  sources: SecretSources
  log: Logger
  read(): Promise<HubFiles>
  /** From now on this process works with these files. */
  use(files: HubFiles): Promise<void>
}

/** Who puts something into force, and why. */
export type Deed = Pick<NewVersion, 'actor' | 'reason'>

type Cause = Deed & Pick<NewVersion, 'how' | 'backTo'>

export class Adoption {
  readonly #parts: AdoptionParts
  readonly #me = randomUUID()
  /** One after the other: an edit, a plan and a call may come together. */
  #turn: Promise<unknown> = Promise.resolve()
  /** Stands for what this process works with. */
  #used = ''

  constructor(parts: AdoptionParts) {
    this.#parts = parts
  }

  /** Says in the ledger what this hub works with; gives the files, read again where a plan was applied since they were read. */
  begin(files: HubFiles): Promise<HubFiles> {
    return this.#alone(async () => {
      const { pool, env } = this.#parts
      const inForce = await readInForce(pool)
      const items = await configurationInForce(files, env)
      const version = await this.#versionOf(files, { how: 'start', actor: 'hub' })
      // As a rule nothing changed, and then when the files were read does not matter.
      if (inForce.digest === versionDigest(version) && (await isInForce(pool, items))) {
        this.#used = markOf(items)
        await auditStanding(pool)
        return files
      }
      const now = await this.#putInForce('start')
      throwOnErrors(now.files.blocking)
      await auditStanding(pool)
      this.#used = markOf(items)
      if (markOf(now.items) === this.#used) return files
      await this.#use(now.files, now.items)
      return now.files
    })
  }

  /** Reads the files again and works with them. With errors in them the old ones stay in force and the errors are given back. */
  reload(save: boolean): Promise<HubFiles> {
    return this.#alone(async () => {
      const { files, items } = save ? await this.#putInForce('edit') : await this.#readItems()
      if (!hasErrors(files.blocking)) await this.#use(files, items)
      return files
    })
  }

  /** Works with the files, if they and what is in force are as they were planned. Throws CSW-8024, CSW-8025, errors in files. */
  apply(request: ConfigurationRequest, by: Deed): Promise<AppliedConfiguration> {
    return this.#alone(async () => {
      const { rollBack } = request
      if (!rollBack) return this.#apply(request, { how: 'plan', ...by })
      let restore: (() => Promise<void>) | undefined
      // Under the lock, and once, should its transaction be done again.
      const write = async (): Promise<void> => {
        restore ??= await this.#writeBack(rollBack)
      }
      try {
        return await this.#apply(request, { how: 'roll_back', backTo: rollBack.version, ...by }, write)
      } catch (error) {
        await restore?.()
        throw error
      }
    })
  }

  async #writeBack(rollBack: RollBackRequest): Promise<() => Promise<void>> {
    const { pool, sources } = this.#parts
    const files = await this.#parts.read()
    throwOnErrors(files.blocking)
    return writeVersion(pool, files.config.folder, await keptFiles(files, sources), rollBack)
  }

  async #apply(
    { basis, allowDestructive }: ConfigurationRequest,
    by: Cause,
    write?: () => Promise<void>,
  ): Promise<AppliedConfiguration> {
    const { pool } = this.#parts
    if (!allowDestructive) demandNothingRemoved(basis)
    let planned: { files: HubFiles; items: ConfiguredItem[] } | undefined
    const coming = async (): Promise<Coming> => {
      await write?.()
      planned = await this.#readItems()
      throwOnErrors(planned.files.blocking)
      demandSame('after', basis, planned.items, 'The files of the hub do not say what was planned')
      return { items: planned.items, version: await this.#versionOf(planned.files, by) }
    }
    await saveConfiguration(pool, coming, basis)
    await this.#use(planned!.files, planned!.items)
    await call(pool, CALL, this.#me)
    return { applied: basis.flatMap(changeOf) }
  }

  async #readItems(): Promise<{ files: HubFiles; items: ConfiguredItem[] }> {
    const files = await this.#parts.read()
    return { files, items: hasErrors(files.blocking) ? [] : await configurationInForce(files, this.#parts.env) }
  }

  /** What the files say now. Those that another process put into force meanwhile are younger than what was read, hence the next look. */
  async #putInForce(how: 'start' | 'edit'): Promise<{ files: HubFiles; items: ConfiguredItem[] }> {
    for (;;) {
      const inForce = await readInForce(this.#parts.pool)
      const { files, items } = await this.#readItems()
      if (hasErrors(files.blocking)) return { files, items }
      const version = await this.#versionOf(files, { how, actor: 'hub' })
      if (await saveUnlessOvertaken(this.#parts.pool, { items, version }, inForce)) return { files, items }
    }
  }

  async #versionOf(files: HubFiles, by: Cause): Promise<NewVersion> {
    return {
      ...by,
      host: hostname(),
      environment: files.config.environment,
      files: await keptFiles(files, this.#parts.sources),
      mappings: files.syncs.map(({ name, version }) => ({ sync: name, version })),
    }
  }

  /** Whether a call is about the configuration; where another process made it, this one follows. */
  heard(kind: string, id: string): boolean {
    if (kind === CALL && id !== this.#me)
      void this.#alone(() => this.#follow()).catch((thrown: unknown) => this.#tell(thrown))
    return kind === CALL
  }

  /** This process hears calls from now on; a plan that was applied before it did is followed now. */
  listening(): void {
    void this.#alone(() => this.#catchUp()).catch((thrown: unknown) => this.#tell(thrown))
  }

  /** Files that lie elsewhere may not be those that were applied; then what ran before goes on here. */
  async #follow(): Promise<void> {
    const next = await this.#parts.read()
    throwOnErrors(next.blocking)
    const items = await configurationInForce(next, this.#parts.env)
    if (!(await isInForce(this.#parts.pool, items)))
      throw new CausewayError('CSW-8024', {
        what: 'A plan was applied, and the files of this process say something else.',
      })
    await this.#use(next, items)
    this.#parts.log.info({}, 'works with the plan that was applied')
  }

  /** Files that are being edited, and were not applied, are none of its business. */
  async #catchUp(): Promise<void> {
    const next = await this.#parts.read()
    if (hasErrors(next.blocking)) return
    const items = await configurationInForce(next, this.#parts.env)
    if (markOf(items) !== this.#used && (await isInForce(this.#parts.pool, items))) await this.#follow()
  }

  async #use(files: HubFiles, items: readonly ConfiguredItem[]): Promise<void> {
    await this.#parts.use(files)
    this.#used = markOf(items)
  }

  #tell(thrown: unknown): void {
    this.#parts.log.error({ err: asCausewayError(thrown).toJSON() }, 'what ran before goes on')
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work)
    this.#turn = mine.catch(() => undefined)
    return mine
  }
}

const markOf = (items: readonly ConfiguredItem[]): string =>
  digest(JSON.stringify(items.map((item) => [item.kind, item.name, itemDigest(item)])))

/** A connector leaves with its last connection and takes nothing with it. */
function demandNothingRemoved(basis: ConfigurationBasis): void {
  const removed = basis.filter(({ kind, before, after }) => kind !== 'connector' && before !== null && after === null)
  if (removed.length === 0) return
  const names = removed.map(({ kind, name }) => `${kind} ${name}`)
  throw new CausewayError('CSW-8025', { what: `The plan removes ${names.join(', ')}.` })
}

function changeOf({ kind, name, before, after }: ConfigurationBasis[number]): AppliedConfiguration['applied'] {
  if (before === after) return []
  return [{ kind, name, change: before === null ? 'added' : after === null ? 'removed' : 'changed' }]
}
