import { performance } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { boundYoung } from '../core/index.ts'

/**
 * Keeps the heap near what is really in use. On a machine with much memory V8 lets garbage grow to several times the live heap
 * (480 MB for a full sync of 50,000 records). With these flags the same sync peaks below 290 MB. A growth of 50 % marks the heap
 * twice as often as one of 100 %, on other threads but on the same cores: about 40 µs of CPU per record more; with 100 % a file on its
 * way needed 72 MB beyond rest, with 75 % 56, with 50 % 49 (`npm run check:files`, November 2026). The young generation grows to
 * 32 MB and no further.
 */
export function boundHeapGrowth(): void {
  setFlagsFromString('--heap-growing-percent=75')
  boundYoung()
}

const LOOK_MS = 5_000
/** Busy for less than this share of the time between two looks: at rest. */
const REST_SHARE = 0.05
/** Slow work never looks busy, and leaves garbage all the same. */
const GARBAGE_BYTES = 16 << 20

/**
 * Gives memory back when the process comes to rest: nothing makes V8 collect while nothing is allocated, so a hub would hold for
 * ever what its start or its last rush has left (a worker 154 MB instead of 118). The collection itself is followed by V8's own
 * reducer, which some eight seconds later takes the young generation down to 1 MB; that may grow again, until it is what
 * `boundHeapGrowth` found.
 * Gives the function that ends it.
 */
export function giveBackAtRest(lookMs = LOOK_MS): () => void {
  const collect = collector()
  let before = performance.eventLoopUtilization()
  let wasBusy = true
  let usedAtRest = Number.POSITIVE_INFINITY
  let stopBounding: (() => void) | undefined
  const look = (): void => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization >= REST_SHARE) {
      wasBusy = true
      return
    }
    const { heapUsed } = process.memoryUsage()
    if (!wasBusy && heapUsed < usedAtRest + GARBAGE_BYTES) return
    collect()
    stopBounding?.()
    stopBounding = boundYoung()
    wasBusy = false
    usedAtRest = process.memoryUsage().heapUsed
  }
  const timer = setInterval(look, lookMs)
  timer.unref()
  return () => {
    clearInterval(timer)
    stopBounding?.()
  }
}

/**
 * Collects what died young, some two milliseconds. The bytes of a file stand outside of the heap, in pieces of 64 kB whose objects are
 * small: V8 lets twice the young generation of them pile up. Called after each part of an upload this keeps a file of 2 GB from
 * needing more memory than one of 64 MB.
 */
export function collectYoung(): void {
  collector()({ type: 'minor' })
}

type Collector = (options?: { type: 'minor' }) => void
let known: Collector | undefined

/** V8's own collector, which a process that was started without `--expose-gc` gets in a new context. */
function collector(): Collector {
  if (known) return known
  setFlagsFromString('--expose-gc')
  known = runInNewContext('gc') as Collector
  return known
}
