import { hubFileSchema } from '../config/index.ts'
import { entityFileSchema } from '../identity/index.ts'
import { mappingFileSchema, testFileSchema } from '../mapping/index.ts'

/** JSON Schemas (draft-07) of the files of a hub folder, by kind; those the loader checks with. Manifests have one of their own. */
export const SCHEMAS: Readonly<Record<string, object>> = {
  hub: hubFileSchema,
  mapping: mappingFileSchema,
  test: testFileSchema,
  entity: entityFileSchema,
}
