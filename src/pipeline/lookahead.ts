/**
 * Runs an async iterable ahead of its consumer, so that the next pages are fetched while these are committed. Gives what came
 * in meanwhile in one go, because a commit of several pages costs little more than a commit of one. What waits is bounded:
 * nothing more is asked for while `isEnough` of it.
 */
export async function* lookahead<T>(
  source: AsyncIterable<T>,
  isEnough: (waiting: readonly T[]) => boolean,
): AsyncGenerator<T[]> {
  const iterator = source[Symbol.asyncIterator]()
  let waiting: T[] = []
  let end: { failure?: unknown } | undefined
  let arrival = Promise.withResolvers<void>()
  let room = Promise.withResolvers<void>()
  const readOn = async (): Promise<void> => {
    try {
      while (!end) {
        const step = await iterator.next()
        if (step.done) end = {}
        else waiting.push(step.value)
        arrival.resolve()
        if (isEnough(waiting)) await room.promise
      }
    } catch (failure) {
      // Raised behind the pages that came before it.
      end = { failure }
      arrival.resolve()
    }
  }
  void readOn()
  try {
    for (;;) {
      if (!waiting.length && !end) await arrival.promise
      arrival = Promise.withResolvers()
      const taken = waiting
      waiting = []
      room.resolve()
      room = Promise.withResolvers()
      if (taken.length) yield taken
      else if (end) {
        if ('failure' in end) throw end.failure
        return
      }
    }
  } finally {
    end ??= {}
    room.resolve()
    await iterator.return?.()
  }
}
