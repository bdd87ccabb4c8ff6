import { configErrors } from './config.ts'
import { connectorErrors } from './connector.ts'
import { httpErrors } from './http.ts'
import { mappingErrors } from './mapping.ts'
import { pipelineErrors } from './pipeline.ts'
import { queueErrors } from './queue.ts'
import { remoteErrors } from './remote.ts'
import type { ErrorSpec } from './spec.ts'
import { storeErrors } from './store.ts'

/**
 * Every error the hub can raise. One file per room: 1xxx config and core, 2xxx connector language,
 * 3xxx the other side, 4xxx mapping and expressions, 5xxx pipeline, 6xxx store, 7xxx queue, 8xxx HTTP and CLI.
 * A code is never given a second meaning; it is printed in `docs/errors.md`.
 */
export const registry = {
  ...configErrors,
  ...connectorErrors,
  ...remoteErrors,
  ...mappingErrors,
  ...pipelineErrors,
  ...storeErrors,
  ...queueErrors,
  ...httpErrors,
} as const satisfies Record<`CSW-${number}`, ErrorSpec>

export type ErrorCode = keyof typeof registry
