/** Reads a stream node by node through a tree that is found while it is read (folders below folders). */
import { asCausewayError, CausewayError, isObject, type JsonObject, systemClock } from '../../core/index.ts'
import type { Page, ReadRequest } from '../contract.ts'
import { asText, type Scope } from '../language/index.ts'
import { addedBy, type TreeEach } from './for-each.ts'
import { readPass } from './read.ts'
import { listOf } from './read-checks.ts'
import { MarkExpired, type ReaderContext } from './reader.ts'

/** Pages without records are not worth a commit each; but progress must be stored now and then. */
const MOST_EMPTY_PAGES = 20

/** A walk that is under way: all nodes found so far, in the order they are read, and where it stands. */
type Walk = { nodes: string[]; roots: number; at: number; inner: JsonObject | null }
/** `changes`: the cursor of reading changes of the whole tree; null before the first walk gave one. */
type TreeCursor = { changes: JsonObject | null; walk: Walk | null }

export class TreeReader<R> {
  private readonly context: ReaderContext<R>
  private readonly each: TreeEach
  private readonly request: ReadRequest
  private changes: JsonObject | null
  private walk: Walk | null
  private requestedAt = systemClock.now()

  constructor(context: ReaderContext<R>, each: TreeEach, request: ReadRequest) {
    const { changes, walk } = parseTree(request.cursor)
    this.context = context
    this.each = each
    this.request = request
    this.changes = changes
    this.walk = walk
  }

  async *pages(): AsyncGenerator<Page> {
    // A broken walk is finished first: until then nobody knows what there is.
    if (this.request.mode === 'incremental' && !this.walk && this.changes && this.context.read.server_cursor) {
      try {
        yield* this.changed(this.changes)
        return
      } catch (error) {
        if (!(error instanceof MarkExpired)) throw error
      }
    }
    yield* this.walked()
  }

  /** What changed anywhere in the tree, asked once. */
  private async *changed(cursor: JsonObject): AsyncGenerator<Page> {
    const context = { ...this.context, partition: { key: '', names: {}, add: null }, atExpiry: 'throw' as const }
    for await (const page of readPass(context, { ...this.request, cursor }))
      yield { ...page, cursor: { changes: page.cursor } }
  }

  private async *walked(): AsyncGenerator<Page> {
    if (!this.walk) {
      const roots = [...new Set(listOf(this.each.roots.evaluate({ settings: this.context.settings })).map(asText))]
      this.changes = null
      this.walk = { nodes: roots, roots: roots.length, at: 0, inner: null }
    }
    const { walk } = this
    const known = new Set(walk.nodes)
    let empty = 0
    for (; walk.at < walk.nodes.length; ) {
      for await (const page of this.node(walk, known)) {
        this.requestedAt = page.requestedAt
        // The first node asks for the mark from which changes are read: before everything else.
        if (page.last && walk.at === 0) this.changes = page.cursor
        walk.inner = page.last ? null : page.cursor
        if (page.last) walk.at++
        const { total: _ofTheNode, ...rest } = page
        if (page.records.length + page.rejected.length === 0 && ++empty <= MOST_EMPTY_PAGES) continue
        empty = 0
        yield { ...rest, last: false, cursor: this.stored() }
      }
    }
    this.walk = null
    yield { records: [], rejected: [], cursor: this.stored(), requestedAt: this.requestedAt, last: true }
  }

  /** The records of one node. Nodes below it are added to the walk, each once, wherever they turn up. */
  private async *node(walk: Walk, known: Set<string>): AsyncGenerator<Page> {
    const { read, settings } = this.context
    const partition = walk.nodes[walk.at]!
    const names = { partition }
    const context: ReaderContext<R> = {
      ...this.context,
      read: walk.at === 0 ? read : { ...read, server_cursor: undefined },
      partition: { key: partition, names, add: addedBy(this.each, { ...names, settings }) },
      onAnswer: (scope) => this.found(scope, walk, known),
    }
    try {
      yield* readPass(context, { ...this.request, mode: 'full', cursor: walk.inner })
    } catch (thrown) {
      const error = asCausewayError(thrown)
      const { status } = error.data
      // Found a moment ago, and gone by now. A root that is not there is a fault of the settings.
      if (walk.at < walk.roots || (status !== 404 && status !== 410)) throw thrown
      yield { records: [], rejected: [], cursor: {}, requestedAt: systemClock.now(), last: true }
    }
  }

  private found(scope: Scope, walk: Walk, known: Set<string>): void {
    for (const child of listOf(this.each.children.evaluate(scope)).map(asText)) {
      if (child === '' || known.has(child)) continue
      if (walk.nodes.length >= this.each.most)
        throw new CausewayError('CSW-2006', {
          what: `Reading ${this.context.stream.name} does not get on: its tree has more than ${this.each.most} nodes.`,
          fix: 'Begin further down (`roots`), or raise `most`.',
        })
      known.add(child)
      walk.nodes.push(child)
    }
  }

  /** Copied: what was handed out is stored while the next page is already being read. */
  private stored(): JsonObject {
    const { walk, changes } = this
    return { ...(changes ? { changes } : {}), ...(walk ? { walk: { ...walk, nodes: [...walk.nodes] } } : {}) }
  }
}

/** Reads a stored cursor; what is not there, or was edited into something else, counts as "not yet". */
function parseTree(stored: JsonObject | null): TreeCursor {
  const walk: unknown = stored?.walk
  const changes: unknown = stored?.changes
  return {
    changes: isObject(changes) ? (changes as JsonObject) : null,
    walk: isObject(walk) ? parseWalk(walk as JsonObject) : null,
  }
}

function parseWalk({ nodes, roots, at, inner }: JsonObject): Walk | null {
  const numbers = [roots, at].every((one) => Number.isSafeInteger(one) && (one as number) >= 0)
  if (!Array.isArray(nodes) || !nodes.every((node) => typeof node === 'string') || !numbers) return null
  return {
    nodes: [...nodes],
    roots: roots as number,
    at: at as number,
    inner: isObject(inner) ? (inner as JsonObject) : null,
  }
}
