/**
 * What the caller does next:
 * `fix` = somebody must change configuration, a manifest, a mapping or a credential;
 * `retry` = the same work may succeed later without anybody touching it;
 * `dead-letter` = this one record needs a person, the others go on;
 * `alert` = the hub itself is in trouble and cannot go on safely.
 */
export type Reaction = 'fix' | 'retry' | 'dead-letter' | 'alert'

/** Who or what is to blame, for grouping problems on the error desk. */
export type CauseClass = 'config' | 'credential' | 'quota' | 'remote-down' | 'data' | 'mapping' | 'hub'

/** One entry of the registry: the words for people and the class for policies. */
export type ErrorSpec = { causeClass: CauseClass; reaction: Reaction; meaning: string; action: string }
