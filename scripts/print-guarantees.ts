/** Prints `docs/guarantees.md` from the rows of the fault campaign and its kept results; with `--check` fails when out of date. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Result, readResults } from '../test/faults/rig/results.ts'
import { allRows } from '../test/faults/rows/index.ts'

const FILE = join(import.meta.dirname, '../docs/guarantees.md')
const RESULTS = join(import.meta.dirname, '../test/faults/results.jsonl')

const INVARIANTS = {
  I1: 'No accepted event is lost: every 2xx means one durable row that ends as done, dead or skipped, with a reason.',
  I2: 'No duplicate create in a target, whatever is retried, replayed or delivered twice.',
  I3: 'Newer data is never overwritten by older data.',
  I4: 'A cursor never runs ahead of work that is durable.',
  I5: 'One link, one target record: no link without a record, no record of ours without a link.',
  I6: 'One bad record, connection or sync never stops the others.',
  I7: 'Memory, time, disk, sockets and retries are bounded.',
  I8: 'When the fault is gone the hub recovers without a person.',
  I9: 'In doubt it fails closed: not acknowledged, not authorised.',
  I10: 'No secret or personal datum leaves its place.',
  I12: 'History is truthful: a run says success if and only if it happened; unknown is its own outcome.',
}

const rows = await allRows()
const results = readResults(RESULTS)

/** The newest result of a row on each backend. */
function newest(id: string): Result[] {
  const byBackend = new Map<string, Result>()
  for (const result of results) if (result.row === id) byBackend.set(result.backend, result)
  return [...byBackend.values()]
}

function standing(id: string): string {
  const kept = newest(id)
  if (!kept.length) return 'not run yet'
  return kept
    .map(
      ({ backend, passed, short, patience, seed, commit }) =>
        `${backend}: ${passed ? 'passed' : '**failed**'} (${short ? 'short' : 'full'}${patience ? `, times × ${patience}` : ''}, seed ${seed}, ${commit})`,
    )
    .join('; ')
}

const open = rows.flatMap(({ id, title }) =>
  newest(id)
    .filter(({ passed }) => !passed)
    .map(({ backend, failures }) => `- **${id}** ${title}, ${backend}: ${failures[0] ?? 'failed'}`),
)

const page = `# Guarantees

Printed from the rows in \`test/faults/rows\` and the results in \`test/faults/results.jsonl\`; do not edit. How the campaign works,
and how to run it against connectors of your own, is told in [faults](faults.md).

## Invariants

${Object.entries(INVARIANTS)
  .map(([id, text]) => `- **${id}** ${text}`)
  .join('\n')}

## Promises, and how they are tested

| row | holds | promise | how it is broken, and what counts as a pass |
|---|---|---|---|
${rows.map(({ id, holds, promise, method }) => `| ${id} | ${holds.join(' ')} | ${promise} | ${method} |`).join('\n')}

## Last results

A result names the seed and the commit it was got with; \`+\` means files of the product had changes of their own, \`times × N\` that bars
in time were stretched so much, because the machine was busy with other things.

| row | result |
|---|---|
${rows.map(({ id, title }) => `| ${id} ${title} | ${standing(id)} |`).join('\n')}

## What did not hold in the last run

${open.length ? open.join('\n') : 'Nothing.'}

## What is not promised

- **Exactly one call.** A write whose answer was lost is looked up and, if it is not found after about 20 s, sent again. A target
  that shows a new record later than that, and offers neither idempotency keys nor an upsert, can end up with two.
- **Targets without look-up.** There a lost answer stays in doubt for a person, unless the mapping says \`on_doubt: resend\`.
- **A call that is on its way.** A worker that is frozen sends nothing any more when it wakes up, and cannot write to the ledger.
  What it had put on the wire before may be applied by the target whenever that gets to it, also after a successor has written. When it
  wakes up it says so, and the newest state is delivered once more; when it never does, or the call is a create, only a target that
  checks versions (ETag) or keys can refuse it.
- **Order of versionless events.** Events without a version are taken in the order in which they came. Senders that retry can
  turn that order round; a manifest that names a version, or fetches the record, is safe.
- **Postgres without fsync**, or a replica that is promoted with commits missing: what was acknowledged in the lost seconds is gone
  here and must be read again; look-ups before creates keep that from doubling anything.
- **Two syncs that match one target by different fields** can both create.
- **Duplicates of a source** share a target record, and the first one linked writes it. Another one that differs gets a letter (CSW-5026) when it is
  delivered; one that agreed is not looked at again when the first one changes ([why](decisions/0044-duplicates-share-no-target.md)).

## Windows that remain

- After a killed worker its lanes stand still until their leases end: at most 10 s, plus up to 3.3 s until a sweep comes by.
- Creates of a batch that died with its worker wait for about 20 s of look-ups before they are sent again, even those that were
  never sent: the ledger cannot tell the two apart.
- An event whose wake-up call was lost waits for a sweep: at most 3.3 s.
`

if (process.argv.includes('--check')) {
  if (readFileSync(FILE, 'utf8') !== page) {
    console.error('docs/guarantees.md is out of date: run `npm run generate`.')
    process.exitCode = 1
  }
} else writeFileSync(FILE, page)
