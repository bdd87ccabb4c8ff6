/** The executable contract of a connector: every check, in the order in which they disturb each other least. */
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Catalogue } from '../connector/index.ts'
import { CausewayError } from '../core/index.ts'
import { type Item, readDescription, type Served, type Services, simulate } from '../simulator/index.ts'
import { type CheckResult, type ConnectorCheck, NotAsAgreed, NothingToCheck, type StreamCheck } from './check.ts'
import * as content from './content-checks.ts'
import * as job from './job-checks.ts'
import * as read from './read-checks.ts'
import { Subject } from './subject.ts'
import * as trouble from './trouble-checks.ts'
import { readWaivers, type Waiver } from './waivers.ts'
import * as webhook from './webhook-checks.ts'
import * as whole from './whole-checks.ts'
import * as write from './write-checks.ts'

const REFUSED_ONE = 'one refused record holds nobody up'
const REFUSED_JOB = 'a job of bad records refuses them'
/** The checks that send what the system must not take. */
export const REFUSALS: ReadonlySet<string> = new Set([REFUSED_ONE, REFUSED_JOB])

const READ_CHECKS: Record<string, StreamCheck> = {
  'reads everything exactly once': read.readsAll,
  'goes on from each cursor': read.resumes,
  'reads what changed': read.readsChanges,
  'keeps ties at the cursor': read.keepsTies,
  'fields are mapped': whole.mapsFields,
  'written fields are mapped': whole.mapsWrites,
  'fetches by id': read.fetches,
  'looks up by field': read.looksUp,
  'files arrive as they are': content.downloads,
  'survives a 500': trouble.survivesDown,
  'survives a page of HTML': trouble.survivesHtml,
  'survives an answer cut off': trouble.survivesCut,
}

const WRITE_CHECKS: Record<string, StreamCheck> = {
  'creates with every field': write.creates,
  'files are written as they are': content.uploads,
  [REFUSED_ONE]: write.refusesOne,
  'updates one field': write.updates,
  'updates every field': write.updatesAll,
  'refuses an update of what changed since': write.refusesStale,
  'upserts by key': write.upserts,
  'a lost answer makes no duplicate': write.losesNoAnswer,
  'a lost answer to an update does no harm': write.repeatsUpdate,
  'a job that fails is no success': job.failedJobs,
  [REFUSED_JOB]: job.refusedJobs,
  'learns later what a job did': job.forgottenJobs,
  'the token may end while a job runs': job.longJobs,
  'tells that a record is missing': write.reportsMissing,
}
const DELETE_CHECKS: Record<string, StreamCheck> = { deletes: write.deletes }

const STREAM_CHECKS = {
  ...READ_CHECKS,
  ...WRITE_CHECKS,
  'learns of deletions': read.learnsOfDeletions,
  ...DELETE_CHECKS,
}
const CHECKS_OF = { all: STREAM_CHECKS, writes: { ...WRITE_CHECKS, ...DELETE_CHECKS } }

const CONNECTOR_CHECKS: Record<string, ConnectorCheck> = {
  'tells bad credentials': trouble.tellsBadCredentials,
  'renews its token': trouble.renewsToken,
  'obeys a throttle': trouble.obeysThrottle,
  'takes events': webhook.takesEvents,
  'refuses forged events': webhook.refusesForgeries,
  'answers the check of its address': webhook.shakesHands,
  'orders webhooks': webhook.ordersWebhooks,
  'stays within quotas': whole.keepsQuota,
  'sends only what the vendor knows': whole.isUnderstood,
  'shows no secret': whole.keepsSecrets,
}

export const CHECK_NAMES: readonly string[] = [...Object.keys(STREAM_CHECKS), ...Object.keys(CONNECTOR_CHECKS)]

export type Report = {
  connector: string
  checks: CheckResult[]
  ok: boolean
  requests: number
  ms: number
}

/** The API description of a connector's system; null where none was written. */
export function descriptionOf(catalogue: Catalogue, name: string): string | null {
  const file = join(dirname(catalogue.get(name).describe().file), 'samples', 'api.yaml')
  return existsSync(file) ? file : null
}

/** Waivers stand beside the folders of the connectors they are about. */
const waiversFile = (catalogue: Catalogue, name: string): string =>
  join(dirname(catalogue.get(name).describe().file), '..', 'waivers.yaml')

/** Which checks are run; `stream` is null for those on the whole connector. */
type Only = (check: string, stream: string | null) => boolean

/** Which checks to run, and what of this machine a system may need. */
export type SuiteOptions = { only?: Only | undefined; services?: Services }

/** Runs every check on one connector against a simulator of its system. */
export async function testConnector(catalogue: Catalogue, name: string, options?: SuiteOptions): Promise<Report> {
  return (await recordConnector(catalogue, name, options)).report
}

/** The same, with every request that was sent on the way. */
export async function recordConnector(
  catalogue: Catalogue,
  name: string,
  { only = () => true, services = {} }: SuiteOptions = {},
): Promise<{ report: Report; served: readonly Served[] }> {
  const file = descriptionOf(catalogue, name)
  if (file === null)
    throw new CausewayError('CSW-2001', {
      what: `The connector ${name} has no samples/api.yaml, so there is nothing to test it against.`,
      fix: 'Describe the API of the system as connectors/README.md says under "Samples".',
    })
  const waivers = readWaivers(waiversFile(catalogue, name))
  const began = performance.now()
  const simulator = simulate(readDescription(file), services)
  await simulator.start()
  const subject = await Subject.open(catalogue, name, simulator).catch(async (error: unknown) => {
    // Whoever waits for the socket to close would wait for ever.
    await simulator.stop()
    throw error
  })
  const checks: CheckResult[] = []
  const run = async (stream: string | null, check: string, work: () => Promise<string>) => {
    if (!only(check, stream)) return
    const waiver = waivers.find(
      (one) => one.connector === name && one.check === check && (one.stream ?? stream) === stream,
    )
    checks.push(await outcomeOf(stream, check, work, waiver, subject))
  }
  try {
    for (const [stream, info, use] of subject.streams)
      for (const [check, work] of Object.entries(STREAM_CHECKS))
        await run(stream, check, () => work({ subject, stream, info, use }))
    await checkVariants(subject, run)
    for (const stream of subject.session.streams.keys())
      if (!simulator.description.streams[stream])
        await run(stream, 'is described', () =>
          Promise.reject(new NotAsAgreed('samples/api.yaml has no stream of this name')),
        )
    for (const [check, work] of Object.entries(CONNECTOR_CHECKS)) await run(null, check, () => work(subject))
  } finally {
    await subject.session.close()
    await simulator.stop()
  }
  const report = {
    connector: name,
    checks,
    ok: checks.every(({ outcome }) => outcome !== 'failed'),
    requests: simulator.served.length,
    ms: Math.round(performance.now() - began),
  }
  return { report, served: simulator.served }
}

type Run = (stream: string | null, check: string, work: () => Promise<string>) => Promise<void>

/** The streams that another way leads to under other settings, checked on it, and compared with what the usual one reads. */
async function checkVariants(usual: Subject, run: Run): Promise<void> {
  for (const [variant, { settings, streams, only }] of Object.entries(usual.simulator.description.variants)) {
    const subject = await usual.variant((await usual.simulator.filled(settings, {})) as Item)
    try {
      for (const [stream, info, use] of subject.streams.filter(([name]) => streams.includes(name))) {
        const test = { subject, stream, info, use }
        if (only !== 'writes') await run(`${stream} (${variant})`, 'reads the same', () => read.readsSame(test, usual))
        for (const [check, work] of Object.entries(CHECKS_OF[only ?? 'all']))
          await run(`${stream} (${variant})`, check, () => work(test))
      }
    } finally {
      await subject.session.close()
    }
  }
}

async function outcomeOf(
  stream: string | null,
  check: string,
  work: () => Promise<string>,
  waiver: Waiver | undefined,
  subject: Subject,
): Promise<CheckResult> {
  const began = performance.now()
  const result = (outcome: CheckResult['outcome'], detail: string): CheckResult => ({
    stream,
    check,
    outcome,
    detail,
    ms: Math.round(performance.now() - began),
  })
  try {
    const detail = await work()
    // A waiver that is no longer needed must go: the list may only shrink.
    return waiver
      ? result('failed', 'the check passes, but a waiver excuses it; take the waiver out')
      : result('passed', detail)
  } catch (error) {
    subject.simulator.faults.clear()
    if (error instanceof NothingToCheck) return result('skipped', error.message)
    subject.said.push(String(error))
    const why =
      error instanceof NotAsAgreed
        ? error.message
        : error instanceof CausewayError
          ? `${error.code}: ${error.message}`
          : String((error as Error).stack ?? error)
    return waiver ? result('waived', `${waiver.reason} (${why})`) : result('failed', why)
  }
}
