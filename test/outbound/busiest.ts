/** The most arrivals in any span of that length. */
export function busiest(times: number[], spanMs: number): number {
  let most = 0
  for (let first = 0, last = 0; last < times.length; last++) {
    while (times[last]! - times[first]! >= spanMs) first++
    most = Math.max(most, last - first + 1)
  }
  return most
}
