/**
 * Runs an async iterable one step ahead of its consumer, so that the next page is fetched while this one is committed.
 * One step only: more would hold more pages in memory without making anything faster.
 */
export async function* lookahead<T>(source: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = source[Symbol.asyncIterator]()
  let next = iterator.next()
  // A failure that arrives while the consumer still works is raised at the next step, not as an unhandled rejection.
  next.catch(() => {})
  try {
    for (;;) {
      const step = await next
      if (step.done) return
      next = iterator.next()
      next.catch(() => {})
      yield step.value
    }
  } finally {
    await iterator.return?.()
  }
}
