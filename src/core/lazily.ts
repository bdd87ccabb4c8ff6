import { createRequire } from 'node:module'

/**
 * A CommonJS package of ours that is loaded when somebody first needs it. The sandbox starts in a fraction of the time that all of
 * them take and holds a third of the memory, and most mappings need none.
 */
export function lazily<Package>(name: string): () => Package {
  let loaded: Package | undefined
  return () => (loaded ??= createRequire(import.meta.url)(name) as Package)
}
