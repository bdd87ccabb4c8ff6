import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Both halves together, which is what V8 calls the size of that space. Enough for the objects of a page and a batch to die there. */
const ENOUGH_BYTES = 32 << 20
const LOOK_MS = 10

/**
 * Loads modules with a young generation that does not grow. What loading leaves alive takes it to 64 MB otherwise, which it keeps as long as
 * there is work (a full sync peaked at 310 MB instead of 280); loading takes no longer for it. What is loaded may grow as `boundYoung` says.
 */
export async function loadingSmall<T>(load: () => Promise<T>): Promise<T> {
  letYoungGrow(false)
  try {
    return await load()
  } finally {
    boundYoung()
  }
}

/**
 * Lets V8's young generation grow to 32 MB and no further. `--max-semi-space-size` does nothing once a process runs, so it is looked at again
 * and again: under full load it doubles several times a second. Gives the function that ends the looking.
 */
export function boundYoung(): () => void {
  letYoungGrow(true)
  // One is enough for the process, and a hub at rest pays for each.
  clearInterval(looking)
  const timer = setInterval(() => {
    if (youngBytes() < ENOUGH_BYTES) return
    letYoungGrow(false)
    clearInterval(timer)
  }, LOOK_MS).unref()
  looking = timer
  return () => clearInterval(timer)
}

let looking: NodeJS.Timeout | undefined

function letYoungGrow(may: boolean): void {
  setFlagsFromString(`--semi-space-growth-factor=${may ? 2 : 1}`)
}

function youngBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')?.space_size ?? 0
}
