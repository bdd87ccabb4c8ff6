import type { z } from 'zod'
import type { Hub } from './hub.ts'

/** Fields of a tool's arguments, declared once: they check what comes and are the schema that clients see. */
export type Fields = z.ZodRawShape
type Arguments<F extends Fields> = z.infer<z.ZodObject<F>>

/** What a tool gives: JSON as the API answered it, never parsed, so that numbers keep their spelling. */
type JsonAnswer = string

type Declared<F extends Fields> = {
  name: string
  title: string
  /** For a model: what it gives, when to take it. */
  description: string
  fields: F
  /** It reaches beyond the hub, to the systems behind its connections. */
  reachesSystems?: boolean
}

export type ReadTool<F extends Fields = Fields> = Declared<F> & {
  kind: 'read'
  read(hub: Hub, given: Arguments<F>): Promise<JsonAnswer>
}

/** What a write would do, and what of the hub it was said of. */
export type Preview = {
  /** One sentence. */
  would: string
  /** Counts and samples, as the API gives them. */
  details: unknown
  /** What must not have moved when it is done; compared as JSON. Undefined where the hub itself compares. */
  basis?: unknown
  /** Does exactly what was previewed. */
  act(hub: Hub, reason: string): Promise<JsonAnswer>
}

export type WriteTool<F extends Fields = Fields> = Declared<F> & {
  kind: 'write'
  /** The scope that the hub asks for, so that whoever lacks it learns so before there is a preview. */
  scope: string
  /** It writes over or deletes something, in the hub or in a target. */
  destructive: boolean
  /** Done again it changes nothing more. */
  idempotent: boolean
  preview(hub: Hub, given: Arguments<F>): Promise<Preview>
}

export type Tool = ReadTool | WriteTool

/** Keeps the types of the arguments inside a declaration; outside all tools are alike. */
export const readTool = <F extends Fields>(tool: Omit<ReadTool<F>, 'kind'>): ReadTool =>
  ({ ...tool, kind: 'read' }) as unknown as ReadTool
export const writeTool = <F extends Fields>(tool: Omit<WriteTool<F>, 'kind'>): WriteTool =>
  ({ ...tool, kind: 'write' }) as unknown as WriteTool
