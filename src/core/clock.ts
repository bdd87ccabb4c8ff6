/** Time as the hub sees it. `now` is for records and people, `monotonic` for leases and deadlines: it never jumps. */
export type Clock = {
  now(): Date
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
}

/** Time as this machine tells it. */
export const machineClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
}

/** Milliseconds to add to the monotonic clock to have the time that all processes of a hub share. */
let offset: number | undefined

/**
 * Time as all processes of a hub have it: whether a state is older than another is told by when each was asked for, and by two machines of
 * which one is a second ahead a change made in that second would be lost. That of the machine until `followTime` is called.
 */
export const systemClock: Clock = {
  now: () => (offset === undefined ? new Date() : new Date(performance.now() + offset)),
  monotonic: () => performance.now(),
}

/**
 * Lets `systemClock` go by a time that was asked for between two moments of the monotonic clock. Differences that the asking itself may have
 * made change nothing, so that times do not go back and forth.
 */
export function followTime(now: number, asked: number, answered: number): void {
  const found = now - (asked + answered) / 2
  const doubt = (answered - asked) / 2 + TOLERANCE_MS
  if (offset === undefined || Math.abs(found - offset) > doubt) offset = found
}

const TOLERANCE_MS = 25

/** Lets `systemClock` go by the machine again. */
export function followMachine(): void {
  offset = undefined
}
