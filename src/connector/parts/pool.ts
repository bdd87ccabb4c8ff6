/** Runs tasks, at most `size` at a time, and gives their results in the order of the inputs. Rejects with the first failure. */
export async function inPool<T, U>(inputs: readonly T[], size: number, task: (input: T) => Promise<U>): Promise<U[]> {
  const results: U[] = new Array(inputs.length)
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < inputs.length) {
      const index = next++
      results[index] = await task(inputs[index]!)
    }
  }
  await Promise.all(Array.from({ length: Math.min(size, inputs.length) }, worker))
  return results
}

/** Cuts a list into pieces of at most `size`. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = []
  for (let from = 0; from < items.length; from += size) chunks.push(items.slice(from, from + size))
  return chunks
}
