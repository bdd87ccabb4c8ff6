/** How links are named and found by their entity. */

export const linkKey = (recordId: string, part: string): string => `${recordId}\u001f${part}`

/**
 * The links of an entity in a stream, for `from`. Two probes instead of one: each index of `link` holds one kind, and without them the whole
 * table is read, for each record of a batch of deletions.
 */
export const linksOf = (entity: string, stream: string): string =>
  `select * from link where entity_id = ${entity} and stream_id = ${stream} and not alias
    union all select * from link where entity_id = ${entity} and stream_id = ${stream} and alias offset 0`
