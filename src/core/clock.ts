/** Time as the hub sees it. `now` is for records and people, `monotonic` for leases and deadlines: it never jumps. */
export type Clock = {
  now(): Date
  /** Milliseconds since an arbitrary start; never goes back. */
  monotonic(): number
}

export const systemClock: Clock = {
  now: () => new Date(),
  monotonic: () => performance.now(),
}
