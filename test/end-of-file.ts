/** What is to be closed when a test file ends. Files that share a worker share this module too. */
const closers: (() => Promise<void>)[] = []

export const atEndOfFile = (close: () => Promise<void>): void => void closers.push(close)

/** Closes everything, the newest first. */
export async function closeAll(): Promise<void> {
  for (const close of closers.splice(0).reverse()) await close()
}
