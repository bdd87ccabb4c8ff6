export type { ApiDocument, Operation } from './contract.ts'
export { readApiDocuments } from './document.ts'
export { draftFrom } from './from.ts'
export { infer } from './infer.ts'
export { ODATA_BATCH } from './odata-batch.ts'
export { flatLists, flatLookup } from './odata-openapi.ts'
export type { RawSchema } from './schema.ts'
export { joined, listedTexts, textsOf } from './texts.ts'
export {
  ANY,
  isAnnotation,
  isOpen,
  isReadOnly,
  itemOf,
  listOf,
  member,
  NONE,
  namesOf,
  objectOf,
  refusesOthers,
  scalar,
  type Type,
  tellsOf,
  typeOfSchema,
  union,
} from './types.ts'
export { SOAP_METHOD } from './wsdl/calls-of-api.ts'
