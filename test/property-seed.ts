import fc from 'fast-check'

/**
 * Property tests run the same cases every time, so that a build does not fail by chance on what was found by nobody's change.
 * `CAUSEWAY_PROPERTY_SEED=random` looks for new ones; fast-check prints the seed of a failure. See docs/fuzzing.md.
 */
const wanted = process.env.CAUSEWAY_PROPERTY_SEED ?? '20261123'
// For a night: more cases wherever a test does not say itself how many it can do.
const runs = process.env.CAUSEWAY_PROPERTY_RUNS
if (runs !== undefined) fc.configureGlobal({ ...fc.readConfigureGlobal(), numRuns: Number(runs) })
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) })
