/** Streams whose names stand in the settings of a connection. */
import { CausewayError, type JsonObject } from '../../../core/index.ts'
import { asText, type Template } from '../../language/index.ts'
import type { ODataStream, WrittenStream } from './fields.ts'
import { type EdmType, TYPES } from './literals.ts'

/**
 * The stream with its names. Without settings (a connector that is only described) what they name is left out; the key is then
 * called `key`.
 */
export function withNames(stream: WrittenStream, settings?: JsonObject): ODataStream {
  const { named, keys, ...rest } = stream
  if (!named) return { ...rest, keys: keys ?? {} }
  const text = (from: Template | undefined): string | null => {
    const value = settings === undefined ? null : from?.evaluate({ settings })
    return value === undefined || value === null || value === '' ? null : asText(value)
  }
  const changed = text(named.changed)
  const lookup = text(named.lookup)
  const key = text(named.key) ?? 'key'
  const keyType = typeOf(text(named.key_type) ?? 'string', named.key_type)
  return {
    ...rest,
    keys: { [key]: keyType },
    ...(changed === null && (settings !== undefined || !named.changed)
      ? {}
      : {
          changes: {
            kind: 'filter',
            field: changed ?? 'changed',
            type: typeOf(text(named.changed_type) ?? 'datetimeoffset', named.changed_type),
            ...{ filter: undefined, ordered: false, overlap_seconds: 0, initial: undefined },
          },
        }),
    lookup: {
      ...(settings === undefined ? {} : { [key]: { type: keyType, ignore_case: false, batch: LOOKED_UP } }),
      ...(lookup === null ? {} : { [lookup]: { type: 'string', ignore_case: false, batch: LOOKED_UP } }),
    },
  }
}

const LOOKED_UP = 20

function typeOf(text: string, from: Template): EdmType {
  if ((TYPES as readonly string[]).includes(text)) return text as EdmType
  throw new CausewayError('CSW-2005', {
    what: `"${text}" is no type of a property; use one of ${TYPES.join(', ')}.`,
    place: from.place,
  })
}
