import fc from 'fast-check'

/**
 * Property tests run the same cases every time, so that a build does not fail by chance on what was found by nobody's change.
 * `CAUSEWAY_PROPERTY_SEED=random` looks for new ones; fast-check prints the seed of a failure.
 */
const wanted = process.env.CAUSEWAY_PROPERTY_SEED ?? '20261123'
if (wanted !== 'random') fc.configureGlobal({ ...fc.readConfigureGlobal(), seed: Number(wanted) })
